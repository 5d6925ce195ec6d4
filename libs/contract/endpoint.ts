import { z } from 'zod';
import { RESULT_NAMES } from './results.ts';

/** ISO 8601, UTC, from FreeSWITCH's own clock. */
const Time = z.iso.datetime();

const call = {
  uuid: z.string().describe("the call's uuid: the caller's channel in FreeSWITCH"),
  node: z.string().describe('the name of the FreeSWITCH node'),
  time: Time.describe('when FreeSWITCH saw it, UTC'),
  caller_id_number: z.string(),
  caller_id_name: z.string(),
  destination_number: z.string().describe('the number the caller dialled'),
};

const Tried = z.array(z.strictObject({ leg: z.string(), number: z.string(), cause: z.string() }));

/** What the endpoint is asked: where does this call go? */
export const EndpointRequest = z.strictObject({
  action: z.literal('request'),
  ...call,
  context: z.string().describe('the dialplan context'),
  network_addr: z.string().describe("the caller's network address"),
  sip_call_id: z.string(),
  attempt: z
    .number()
    .int()
    .positive()
    .describe('1, and one more each time the same call is asked about again'),
  tried: Tried.describe('the called legs that failed before, when the call is asked about again'),
  variables: z
    .record(z.string(), z.string())
    .describe("the channel variables named in the agent's REQUEST_VARIABLES"),
});
export type EndpointRequest = z.output<typeof EndpointRequest>;

const Milliseconds = z.number().int().nonnegative();

const leg = { leg: z.string().describe('the uuid of the leg this is about') };
const called = {
  ...call,
  ...leg,
  called_number: z.string().describe('the number dialled on the called leg'),
};

/** What became of the call. One notification is named by `<uuid>.<leg>.<action>`, its `webhook-id`. */
export const Notification = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('ring'), ...called }).describe('the called leg rings: 180 received'),
  z
    .strictObject({ action: z.literal('progress'), ...called })
    .describe('the called leg has early media: 183 received'),
  z.strictObject({ action: z.literal('answer'), ...called }).describe('the called leg answered'),
  z
    .strictObject({
      action: z.literal('hangup'),
      ...call,
      ...leg,
      result: z.enum(RESULT_NAMES).optional().describe("dialhook_result: how the call's decision ended"),
      cause: z.string().describe("the hangup cause's name in FreeSWITCH"),
      q850: z.number().int().describe('the cause as a Q.850 number'),
      sip_status: z
        .number()
        .int()
        .optional()
        .describe('the last SIP status on the caller or the failed called leg'),
      hangup_by: z.enum(['caller', 'callee', 'freeswitch']),
      duration_ms: Milliseconds.describe('from the INVITE to the end'),
      ring_ms: Milliseconds.describe('from the INVITE to 180 or 183; 0 when neither came'),
      billable_ms: Milliseconds.describe('from the answer to the end; 0 when not answered'),
      tried: Tried.describe(
        'the called legs in the order tried, each with its cause; NONE for the one that was connected',
      ),
    })
    .describe("the caller's leg has ended: exactly one for each call"),
]);
export type Notification = z.output<typeof Notification>;
export type Action = Notification['action'];

export const notificationId = (n: Pick<Notification, 'uuid' | 'leg' | 'action'>): string =>
  `${n.uuid}.${n.leg}.${n.action}`;
