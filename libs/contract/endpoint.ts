import { z } from 'zod';
import { RESULT_NAMES } from './results.ts';

/** ISO 8601, UTC. */
const Time = z.iso.datetime();

const call = {
  uuid: z.string().describe('uuid of the call: the uuid of the caller leg'),
  node: z.string().describe('name of the FreeSWITCH node'),
  time: Time.describe('when it happened by the clock of FreeSWITCH, UTC'),
  caller_id_number: z.string(),
  caller_id_name: z.string(),
  destination_number: z.string().describe('number that the caller dialled'),
};

const Tried = z.array(
  z.strictObject({
    leg: z.string().describe('uuid of the called leg'),
    number: z.string().describe('number dialled on the called leg'),
    cause: z.string().describe('hangup cause; NONE for a leg that was connected'),
  }),
);

/**
 * The request to the endpoint: where does this call go? The answer is a Decision. `webhook-id` is `<uuid>.<attempt>.request`.
 */
export const EndpointRequest = z.strictObject({
  action: z.literal('request'),
  ...call,
  context: z.string().describe('dialplan context of the caller leg'),
  network_addr: z.string().describe("IP address that the caller's INVITE came from"),
  sip_call_id: z.string().describe('Call-ID of the caller leg'),
  attempt: z
    .number()
    .int()
    .positive()
    .describe('number of this request for its call: 1, and one more for each repetition'),
  tried: Tried.describe(
    'called legs that failed before this request, in the order tried; empty in the first request',
  ),
  variables: z
    .record(z.string(), z.string())
    .describe('channel variables named in REQUEST_VARIABLES of the agent'),
});
export type EndpointRequest = z.output<typeof EndpointRequest>;

const Milliseconds = z.number().int().nonnegative();

const leg = { leg: z.string().describe('uuid of the leg that the notification is about') };
const called = {
  ...call,
  ...leg,
  called_number: z.string().describe('number dialled on the called leg'),
};

const Ring = z
  .strictObject({ action: z.literal('ring'), ...called })
  .describe('the called leg rings (SIP 180)');
const Progress = z
  .strictObject({ action: z.literal('progress'), ...called })
  .describe('the called leg has early media (SIP 183)');
const Answer = z.strictObject({ action: z.literal('answer'), ...called }).describe('the called leg answered');
const Hangup = z
  .strictObject({
    action: z.literal('hangup'),
    recovered: z.literal(false).optional(),
    ...call,
    ...leg,
    result: z.enum(RESULT_NAMES).optional().describe('result of the last request, dialhook_result'),
    cause: z.string().describe('name of the FreeSWITCH hangup cause'),
    q850: z.number().int().describe('Q.850 number of the cause'),
    sip_status: z
      .number()
      .int()
      .optional()
      .describe('last SIP status on the caller leg or the failed called leg'),
    hangup_by: z.enum(['caller', 'callee', 'freeswitch']).describe('who ended the call'),
    duration_ms: Milliseconds.describe('from the INVITE to the end of the call'),
    ring_ms: Milliseconds.describe('from the INVITE to the first 180 or 183; 0 without one'),
    billable_ms: Milliseconds.describe('from the answer to the end of the call; 0 without an answer'),
    tried: Tried.describe('called legs in the order tried'),
  })
  .describe('the caller leg has ended; sent once for each call');

/** A hangup whose event no agent has seen. Has none of the fields that only the event contains. */
const SynthesizedHangup = z
  .strictObject({
    action: z.literal('hangup'),
    recovered: z.literal(true),
    ...call,
    ...leg,
    time: Time.describe('when the agent found that the call had ended, UTC'),
    started: Time.describe('when the caller leg was created, UTC'),
    cause: z.literal('UNKNOWN'),
    q850: z.literal(0),
  })
  .describe(
    'synthesized hangup: the call ended while FreeSWITCH was down or no agent was connected to it, so its cause and end time are unknown',
  );

/** A notification made from an event of FreeSWITCH. */
export const ObservedNotification = z.discriminatedUnion('action', [Ring, Progress, Answer, Hangup]);
export type ObservedNotification = z.output<typeof ObservedNotification>;

/**
 * What happened to the call. Any 2xx status acknowledges it; otherwise it is sent again. `webhook-id` is
 * `<uuid>.<leg>.<action>`, the same in each repetition.
 */
export const Notification = z.discriminatedUnion('action', [
  Ring,
  Progress,
  Answer,
  z.discriminatedUnion('recovered', [Hangup, SynthesizedHangup]),
]);
export type Notification = z.output<typeof Notification>;
export type Action = Notification['action'];

/** The `webhook-id` of a notification. */
export const notificationId = (n: Pick<Notification, 'uuid' | 'leg' | 'action'>): string =>
  `${n.uuid}.${n.leg}.${n.action}`;

/** The `webhook-id` of a request, the same at the fallback endpoint and when the HTTP client repeats a lost request. */
export const requestId = ({ uuid, attempt }: Pick<EndpointRequest, 'uuid' | 'attempt'>): string =>
  `${uuid}.${attempt}.request`;
