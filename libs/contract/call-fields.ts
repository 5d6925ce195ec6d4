import { z } from 'zod';
import { Time } from './scalars.ts';
import { CallId } from './text.ts';

/** Fields that the request and the notifications share. */

export const call = {
  uuid: CallId.describe(
    'id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text',
  ),
  channel_uuid: z
    .string()
    .optional()
    .describe('uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it'),
  node: z.string().describe('name of the FreeSWITCH node'),
  time: Time.describe('when it happened by the clock of FreeSWITCH, UTC'),
  caller_id_number: z
    .string()
    .describe(
      'number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters',
    ),
  caller_id_name: z
    .string()
    .describe(
      'name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters',
    ),
  destination_number: z.string().describe('number that the caller dialled'),
  data: z
    .unknown()
    .optional()
    .describe('data of the last decision about this call that had any; missing before'),
};

export const SipStatus = z.number().int().min(100).max(699);

export const leg = {
  leg: CallId.describe(
    'uuid of the leg that the notification is about; of a transfer: the leg that left the call',
  ),
};
export const called = {
  ...call,
  ...leg,
  called_number: z.string().describe('number dialled on the called leg'),
};
