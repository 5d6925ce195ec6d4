import { z } from 'zod';
import { EndpointRequest, Notification } from './endpoint.ts';
import { Plan } from './plan.ts';
import { type Failure, RESULT_NAMES } from './results.ts';
import { Time } from './scalars.ts';
import { CallId } from './text.ts';

/** Version of the messages between services. A service refuses versions that it does not know. */
const Version = z.literal(1);

/** NATS subjects, queue group, stream and consumer. */
export const BUS = {
  decide: 'dialhook.decide',
  routers: 'routers',
  abandon: 'dialhook.abandon',
  progress: 'dialhook.progress',
  stream: 'DIALHOOK_PROGRESS',
  notifier: 'notifier',
  live: 'dialhook.live',
  liveStream: 'DIALHOOK_LIVE',
  limits: 'dialhook.limits',
  limitStream: 'DIALHOOK_LIMITS',
  timeline: 'dialhook.timeline',
  timelineStream: 'DIALHOOK_TIMELINE',
  status: 'dialhook.status',
  control: 'dialhook.control',
} as const;

/** Agent to a router, by NATS request: send `request` to the endpoint at `url`, or to the fallback. */
export const DecisionRequest = z.strictObject({
  v: Version,
  url: z.string(),
  fallback_url: z.string().optional(),
  connect_timeout_ms: z.number().int().positive(),
  response_timeout_ms: z.number().int().positive(),
  request: EndpointRequest,
});
export type DecisionRequest = z.output<typeof DecisionRequest>;

/** Router to agent: the plan, or why there is none. */
export const DecisionReply = z.discriminatedUnion('result', [
  z.strictObject({ v: Version, result: z.literal('decided'), plan: Plan }),
  z.strictObject({
    v: Version,
    result: z.enum(RESULT_NAMES).exclude(['decided', 'defaulted']),
    error: z.string(),
  }),
]);
export type DecisionReply = z.output<typeof DecisionReply>;

export const failed = (result: Failure, error: string): DecisionReply => ({ v: 1, result, error });

/** Agent to all routers: the decision for this call is no longer needed. */
export const Abandon = z.strictObject({ v: Version, uuid: CallId });
export type Abandon = z.output<typeof Abandon>;

/** Agent to notifier, through JetStream. The message id is the notification's id. */
export const ProgressEvent = z.strictObject({ v: Version, url: z.string(), notification: Notification });
export type ProgressEvent = z.output<typeof ProgressEvent>;

/** Stored by an agent for a live call, and read by any agent of the node when the call has ended. */
export const LiveCall = z.strictObject({
  v: Version,
  url: z.string(),
  uuid: CallId,
  channel_uuid: z.string().optional(),
  node: z.string(),
  caller_id_number: z.string(),
  caller_id_name: z.string(),
  destination_number: z.string(),
  data: z.unknown().optional(),
  started: Time,
});
export type LiveCall = z.output<typeof LiveCall>;
