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

const Ring = z
  .strictObject({ action: z.literal('ring'), ...called })
  .describe('the called leg rings: 180 received');
const Progress = z
  .strictObject({ action: z.literal('progress'), ...called })
  .describe('the called leg has early media: 183 received');
const Answer = z.strictObject({ action: z.literal('answer'), ...called }).describe('the called leg answered');
const Hangup = z
  .strictObject({
    action: z.literal('hangup'),
    recovered: z.literal(false).optional(),
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
  .describe("the caller's leg has ended: exactly one for each call");

/** Dialhook has found the call gone without having seen its end: what only its end could tell is not there. */
const SynthesizedHangup = z
  .strictObject({
    action: z.literal('hangup'),
    recovered: z.literal(true),
    ...call,
    ...leg,
    time: Time.describe('when the agent found the call gone, UTC: it ended before that'),
    started: Time.describe('when the call came in, UTC'),
    cause: z.literal('UNKNOWN'),
    q850: z.literal(0),
  })
  .describe(
    'the call ended while nobody could see it: FreeSWITCH had ended, or no agent was connected to it. How and when it ended is not known',
  );

/** What FreeSWITCH has told of a call. */
export const ObservedNotification = z.discriminatedUnion('action', [Ring, Progress, Answer, Hangup]);
export type ObservedNotification = z.output<typeof ObservedNotification>;

/** What became of the call. One notification is named by `<uuid>.<leg>.<action>`, its `webhook-id`. */
export const Notification = z.discriminatedUnion('action', [
  Ring,
  Progress,
  Answer,
  z.discriminatedUnion('recovered', [Hangup, SynthesizedHangup]),
]);
export type Notification = z.output<typeof Notification>;
export type Action = Notification['action'];

export const notificationId = (n: Pick<Notification, 'uuid' | 'leg' | 'action'>): string =>
  `${n.uuid}.${n.leg}.${n.action}`;

/** The `webhook-id` of a request for a decision: a fallback is asked, and a lost request made again, under the same. */
export const requestId = ({ uuid, attempt }: Pick<EndpointRequest, 'uuid' | 'attempt'>): string =>
  `${uuid}.${attempt}.request`;
