import { z } from 'zod';
import { SipName } from './text.ts';

/** What an operator may have done to a live call, by request to the agents of its node. */

const call = {
  v: z.literal(1),
  uuid: z.uuid(),
  by: z.string().max(128).describe('who wants it, for the log'),
};

export const ControlRequest = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('hangup'), ...call }),
  z.strictObject({
    do: z.literal('transfer'),
    ...call,
    destination: z
      .string()
      // FreeSWITCH takes a dash at the beginning for an option of uuid_transfer.
      .regex(/^[\w*#+.][\w*#+.-]{0,63}$/, 'must be 1 to 64 letters, digits and * # + . - _, no - first')
      .describe('the extension to transfer the caller to'),
    context: SipName.optional().describe("its dialplan context; the call's own without it"),
  }),
]);
export type ControlRequest = z.output<typeof ControlRequest>;

export const ControlReply = z.discriminatedUnion('ok', [
  z.strictObject({ v: z.literal(1), ok: z.literal(true) }),
  z.strictObject({ v: z.literal(1), ok: z.literal(false), error: z.string() }),
]);
export type ControlReply = z.output<typeof ControlReply>;
