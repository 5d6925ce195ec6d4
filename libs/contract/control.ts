import { z } from 'zod';
import { CallId, SipName } from './text.ts';

const call = {
  v: z.literal(1),
  uuid: CallId,
  by: z.string().max(128).describe('name of the operator, for the log'),
};

/** Console to the agents of a node, by NATS request: hang up or transfer a live call. `uuid` is that of its caller leg. */
export const ControlRequest = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('hangup'), ...call }),
  z.strictObject({
    do: z.literal('transfer'),
    ...call,
    destination: z
      .string()
      // uuid_transfer would read a leading dash as an option.
      .regex(
        /^[\w*#+.][\w*#+.-]{0,63}$/,
        'must be 1 to 64 letters, digits and * # + . - _, and must not start with -',
      )
      .describe('extension to transfer the caller to'),
    context: SipName.optional().describe(
      'dialplan context of the extension. Default: the context of the call',
    ),
  }),
]);
export type ControlRequest = z.output<typeof ControlRequest>;

/** The agent's reply. `error` is a message for the operator. */
export const ControlReply = z.discriminatedUnion('ok', [
  z.strictObject({ v: z.literal(1), ok: z.literal(true) }),
  z.strictObject({ v: z.literal(1), ok: z.literal(false), error: z.string() }),
]);
export type ControlReply = z.output<typeof ControlReply>;
