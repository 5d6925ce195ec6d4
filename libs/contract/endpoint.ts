import { z } from 'zod';
import { call, called, leg, SipStatus } from './call-fields.ts';
import { Digits, DigitsEnd } from './collect.ts';
import { RESULT_NAMES } from './results.ts';
import { Time, WholeMilliseconds } from './scalars.ts';
import { CallId } from './text.ts';

/** The end of a called leg. Unknown fields are missing. */
const ended = {
  sip_status: SipStatus.optional().describe('SIP status with which the called party refused or redirected'),
  sip_phrase: z.string().optional().describe('reason phrase of that status'),
  sip_reason: z.string().optional().describe('Reason header of that response'),
  redirect_to: z.string().optional().describe('URI of the Contact header of a redirect (SIP 3xx)'),
};

const TriedLeg = z.strictObject({
  leg: CallId.describe('uuid of the called leg'),
  number: z.string().describe('number dialled on the called leg'),
  gateway: z.string().optional().describe('gateway of the called leg; missing for a leg without one'),
  cause: z
    .string()
    .describe(
      'hangup cause of the called leg; NONE for a leg that was connected; LIMIT_EXCEEDED for a target that was not dialled because a limit was reached',
    ),
  limit: z
    .string()
    .optional()
    .describe(
      'with cause LIMIT_EXCEEDED: that limit, gw:GATEWAY or id:NAME. `leg` is then not a channel of FreeSWITCH',
    ),
  ...ended,
  rested: z
    .literal(true)
    .optional()
    .describe('the gateway had failed repeatedly and was tried last (RESTING_GATEWAYS)'),
  rang: z.boolean().optional().describe('whether it rang (SIP 180)'),
  early_media: z.boolean().optional().describe('whether it sent early media (SDP before the answer)'),
  answered: z.boolean().optional().describe('whether it answered (SIP 200)'),
  accepted: z
    .boolean()
    .optional()
    .describe(
      'only of a leg that answered and had to accept the call (confirm, whisper): whether it was connected with the caller',
    ),
  ring_ms: WholeMilliseconds.optional().describe('from its INVITE to its answer or its end'),
  talk_ms: WholeMilliseconds.optional().describe('from its answer to its end, or until it left the call'),
});
/** A called leg of a call. Fields that are not known are missing, for example after a restart of the agent. */
export type TriedLeg = z.output<typeof TriedLeg>;
const Tried = z.array(TriedLeg);

/** Why the endpoint is requested. */
export const RequestReason = z.enum(['new', 'failed', 'redirect', 'transfer', 'digits']);
export type RequestReason = z.output<typeof RequestReason>;

/**
 * The request to the endpoint for a decision about a call. The answer is a Decision. `webhook-id` is
 * `<uuid>.<attempt>.request`.
 */
export const EndpointRequest = z.strictObject({
  action: z.literal('request'),
  reason: RequestReason.describe(
    'new: the call has just come in; failed: no target answered (on_fail); redirect: a target answered with SIP 3xx (on_redirect); transfer: a party transferred the call here; digits: the caller has typed, or has not (collect)',
  ),
  ...call,
  caller_id_withheld: z
    .boolean()
    .describe(
      'whether the caller asked that its number and name be withheld (Privacy header, or From anonymous)',
    ),
  asserted_number: z
    .string()
    .describe(
      'number of P-Asserted-Identity or Remote-Party-ID, also of a withheld caller: must not be shown to the called party; empty without one',
    ),
  context: z.string().describe('dialplan context of the caller leg'),
  network_addr: z.string().describe("IP address that the caller's INVITE came from"),
  sip_call_id: z.string().describe('Call-ID of the caller leg'),
  attempt: z
    .number()
    .int()
    .positive()
    .describe(
      'number of this request for its call: 1, and one more for each further request, whatever its reason',
    ),
  tried: Tried.describe(
    'called legs that ended before this request, in the order tried; empty in the first request',
  ),
  redirect_to: z.string().optional().describe('with reason redirect: URI that the target redirected to'),
  transferred_by: z
    .enum(['caller', 'callee', 'other'])
    .optional()
    .describe(
      'with reason transfer: the party that transferred the call; other: an operator or the dialplan',
    ),
  transferred_from: CallId.optional().describe(
    'with reason transfer by the caller: uuid of the call that the caller left. The called party that stays is the caller leg of this new call',
  ),
  digits: Digits.optional().describe(
    'with reason digits: what the caller typed, without a terminator; can be fewer than min, and is empty when it typed nothing',
  ),
  digits_end: DigitsEnd.optional().describe(
    'with reason digits: why the collection ended. terminator: the caller typed one; max: max digits are complete; timeout: no further digit in time; error: FreeSWITCH could not collect digits, because the caller has no audio',
  ),
  previous: z
    .strictObject({
      url: z.string().describe('URL of the first endpoint, without userinfo and query'),
      result: z.enum(RESULT_NAMES).describe('why it did not decide'),
      error: z.string().describe('the same as a sentence'),
    })
    .optional()
    .describe('sent to the fallback URL only: the endpoint that was requested before, and did not decide'),
  variables: z
    .record(z.string(), z.string())
    .describe('channel variables named in REQUEST_VARIABLES of the agent'),
});
export type EndpointRequest = z.output<typeof EndpointRequest>;

const Ring = z
  .strictObject({ action: z.literal('ring'), ...called })
  .describe('the called leg rings (SIP 180, or 183 without SDP)');
const Progress = z
  .strictObject({ action: z.literal('progress'), ...called })
  .describe('the called leg has early media (SIP 180 or 183 with SDP)');
const Answer = z
  .strictObject({ action: z.literal('answer'), ...called })
  .describe('the called leg answered; with confirm or whisper: it accepted the call and was connected');
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
    duration_ms: WholeMilliseconds.describe('from the first INVITE to the end of the call'),
    ring_ms: WholeMilliseconds.describe(
      'from the INVITE of the caller to the first 180 or 183 of a called leg; 0 without one',
    ),
    billable_ms: WholeMilliseconds.describe(
      'talk time: how long the caller leg was connected with parties that had answered; 0 without an answer',
    ),
    tried: Tried.describe('called legs in the order tried'),
  })
  .describe('the caller leg has ended; sent once for each call');

const LegEnd = z
  .strictObject({
    action: z.literal('leg_end'),
    ...called,
    cause: z.string().describe('hangup cause of the leg'),
    ...ended,
    ring_ms: WholeMilliseconds.describe('from its INVITE to its answer or its end'),
    talk_ms: WholeMilliseconds.describe('from its answer to its end, or until it left the call'),
  })
  .describe('a called leg has ended; sent only to endpoints that list it in notify');

const Transfer = z
  .strictObject({
    action: z.literal('transfer'),
    ...call,
    ...leg,
    kind: z
      .enum(['blind', 'attended', 'pickup'])
      .describe(
        'blind: to a number; attended: to a party that the transferor had called (REFER with Replaces); pickup: another phone took the call',
      ),
    by: z
      .enum(['caller', 'callee', 'other'])
      .describe('the party that transferred; other: an operator, or the phone that picked up'),
    to_number: z.string().optional().describe('number of the new party'),
    to_leg: CallId.optional().describe('uuid of the leg of the new party'),
    to_call: CallId.optional().describe(
      'uuid of the other call: the one that the called party is the caller of from now on (blind, by the caller), or the one that the new party comes from (attended)',
    ),
  })
  .describe('a party left the call and another one joined; sent only to endpoints that list it in notify');

const Recording = z
  .strictObject({
    action: z.literal('recording'),
    ...called,
    name: z.string().describe('path of the file below the folder of the operator (RECORDINGS of the agents)'),
    complete: z
      .boolean()
      .describe(
        'whether the file holds the whole recording; false: FreeSWITCH could not write it, had no audio, or has crashed meanwhile',
      ),
    channels: z
      .literal([1, 2])
      .describe('2: the caller is on the left channel, the called party on the right one'),
    duration_ms: WholeMilliseconds.optional().describe('length of a complete recording'),
    size: z
      .number()
      .int()
      .nonnegative()
      .optional()
      .describe('size of a complete WAV file in bytes; missing for other formats and for stereo codecs'),
  })
  .describe('the recording of a called leg has ended; sent only to endpoints that list it in notify');

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
export const ObservedNotification = z.discriminatedUnion('action', [
  Ring,
  Progress,
  Answer,
  Hangup,
  LegEnd,
  Transfer,
  Recording,
]);
export type ObservedNotification = z.output<typeof ObservedNotification>;

/**
 * A notification: an event of a call. Any 2xx status acknowledges it; otherwise it is sent again. `webhook-id` is
 * `<uuid>.<leg>.<action>`, the same in each repetition.
 */
export const Notification = z.discriminatedUnion('action', [
  Ring,
  Progress,
  Answer,
  z.discriminatedUnion('recovered', [Hangup, SynthesizedHangup]),
  LegEnd,
  Transfer,
  Recording,
]);
export type Notification = z.output<typeof Notification>;
export type Action = Notification['action'];

/** The actions that an endpoint gets unless its decision says otherwise in `notify`: those of the original. */
export const DEFAULT_ACTIONS = ['ring', 'progress', 'answer', 'hangup'] as const satisfies readonly Action[];
export const ACTIONS = [
  ...DEFAULT_ACTIONS,
  'leg_end',
  'transfer',
  'recording',
] as const satisfies readonly Action[];

/** The `webhook-id` of a notification. */
export const notificationId = (n: Pick<Notification, 'uuid' | 'leg' | 'action'>): string =>
  `${n.uuid}.${n.leg}.${n.action}`;

/** The `webhook-id` of a request, the same at the fallback endpoint and when the HTTP client repeats a lost request. */
export const requestId = ({ uuid, attempt }: Pick<EndpointRequest, 'uuid' | 'attempt'>): string =>
  `${uuid}.${attempt}.request`;
