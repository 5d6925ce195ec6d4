import { z } from 'zod';
import { EndpointRequest, Notification } from './endpoint.ts';
import { OUTCOMES } from './overview.ts';
import { RESULT_NAMES } from './results.ts';
import { Count, Milliseconds, Time } from './scalars.ts';
import { ServiceStatus } from './status.ts';
import { TimelineStep } from './timeline.ts';

/** Requests and responses of the console's API. docs/schema/console.openapi.json is generated from them. */

export const CALL_STATES = ['deciding', 'routed', 'ringing', 'answered', 'ended'] as const;
export const DELIVERY_STATES = ['published', 'retried', 'delivered', 'dead'] as const;

export const CallSummary = z.strictObject({
  uuid: z.string(),
  node: z.string(),
  state: z.enum(CALL_STATES).describe('a call is live in every state but `ended`'),
  outcome: z
    .enum(OUTCOMES)
    .describe(
      'unknown: not answered yet, or its end is not reported; answered: a called leg answered; failed: ended without an answer; not_decided: the last request had another result than decided or defaulted',
    ),
  started: Time.describe('time of the first step'),
  updated: Time.describe('time of the last step'),
  from: z.string().describe("the caller's number"),
  from_name: z.string(),
  to: z.string().describe('the number dialled'),
  endpoint: z.string().optional().describe('the last endpoint requested, without userinfo and query'),
  result: z.enum(RESULT_NAMES).optional().describe('value of dialhook_result'),
  error: z.string().optional().describe('why there is no decision'),
  decision_ms: Milliseconds.optional(),
  cause: z.string().optional().describe('hangup cause'),
  hangup_by: z.enum(['caller', 'callee', 'freeswitch']).optional(),
  sip_status: z.number().int().optional(),
  duration_ms: Milliseconds.optional(),
  billable_ms: Milliseconds.optional(),
  gateways: z.array(z.string()).optional().describe('gateways dialled; known when the call has ended'),
  notifications: z
    .strictObject({ published: Count, delivered: Count, retried: Count, dead: Count })
    .describe('number of notifications published, and how many of them are in each state'),
});
export type CallSummary = z.output<typeof CallSummary>;

const Limit = z.coerce.number().int().min(1).max(500).default(50);

export const CallFilter = z.strictObject({
  q: z
    .string()
    .max(200)
    .optional()
    .describe('text in the uuid, a number, the name or the endpoint, or the exact node, result or cause'),
  uuid: z.string().max(200).optional().describe('prefix of the uuid'),
  number: z.string().max(100).optional().describe('part of the caller number or the dialled number'),
  node: z.string().max(200).optional(),
  result: z.enum(RESULT_NAMES).optional(),
  outcome: z.enum(OUTCOMES).optional(),
  cause: z.string().max(100).optional().describe('hangup cause'),
  endpoint: z
    .string()
    .max(2000)
    .optional()
    .describe('the last endpoint requested: scheme, host and port, or the URL without userinfo and query'),
  gateway: z.string().max(200).optional().describe('a gateway dialled by a call that has ended'),
  slower_than: z.coerce.number().nonnegative().optional().describe('a decision took this long or longer, ms'),
  notifications: z
    .enum(['pending', 'dead'])
    .optional()
    .describe('pending: one is neither delivered nor dead; dead: one is a dead letter'),
  state: z.enum(['live', 'ended']).optional(),
  since: Time.optional().describe('started at this time or later'),
  until: Time.optional().describe('started before this time'),
});
export type CallFilter = z.output<typeof CallFilter>;

const Scope = z
  .enum(['memory', 'timeline'])
  .default('memory')
  .describe(
    'memory: the calls that the console keeps; timeline: all that the timeline stream keeps, which takes seconds',
  );

export const CallQuery = z.strictObject({
  ...CallFilter.shape,
  scope: Scope,
  limit: Limit,
  cursor: z.coerce.number().int().positive().optional().describe('`next` of the previous page'),
});
export type CallQuery = z.output<typeof CallQuery>;

export const ExportQuery = z.strictObject({
  ...CallFilter.shape,
  scope: Scope,
  format: z.enum(['csv', 'json']).describe('csv: for spreadsheets; json: a list of CallSummary'),
});
export type ExportQuery = z.output<typeof ExportQuery>;

export const CallList = z.strictObject({
  calls: z.array(CallSummary).describe('newest first'),
  next: z.number().int().optional().describe('`cursor` of the next page; absent on the last page'),
  live: Count.describe('live calls among those kept'),
  kept: Count.describe('calls in memory of the console'),
  complete: z
    .boolean()
    .describe(
      'whether the search covered all calls of the timeline; if not, the scope `timeline` may find older ones',
    ),
});
export type CallList = z.output<typeof CallList>;

const stepOf = <S extends TimelineStep['step']>(step: S) =>
  TimelineStep.options.find((option) => option.shape.step.value === step) as Extract<
    (typeof TimelineStep.options)[number],
    { shape: { step: z.ZodLiteral<S> } }
  >;

export const CallDetail = z.strictObject({
  call: CallSummary,
  trace_id: z.string(),
  trace_url: z.string().optional().describe('made from TRACE_URL_TEMPLATE'),
  decisions: z
    .array(
      z.strictObject({
        request: EndpointRequest.optional().describe('the request sent to the endpoints'),
        requested: z.array(stepOf('requested')).describe('one for each endpoint requested, with its answer'),
        decided: stepOf('decided').optional().describe('result, and the applications sent to FreeSWITCH'),
      }),
    )
    .describe('one for each attempt'),
  notifications: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(DELIVERY_STATES),
      notification: Notification.optional(),
      attempts: z.array(stepOf('attempted')),
    }),
  ),
  steps: z.array(TimelineStep).describe('all steps, ordered by time'),
});
export type CallDetail = z.output<typeof CallDetail>;

const Instance = ServiceStatus.omit({ endpoints: true, limits: true, gateways: true });

export const NodeList = z.strictObject({
  nodes: z.array(z.strictObject({ node: z.string(), live: Count, agents: z.array(Instance) })),
  services: z.array(Instance).describe('routers, notifiers and consoles'),
});
export type NodeList = z.output<typeof NodeList>;

const LimitSummary = ServiceStatus.shape.limits.unwrap().element.extend({
  refused: Count.describe('places refused, sum over all agents, each since its start'),
});
export type LimitSummary = z.output<typeof LimitSummary>;
const GatewaySummary = ServiceStatus.shape.gateways.unwrap().element.extend({ node: z.string() });
export type GatewaySummary = z.output<typeof GatewaySummary>;

export const LimitList = z.strictObject({
  limits: z.array(LimitSummary).describe('limits on calls at once and per second, most used first'),
  gateways: z
    .array(GatewaySummary)
    .describe('gateways that have failed last, by node; those that rest are tried last'),
});
export type LimitList = z.output<typeof LimitList>;

const EndpointErrors = ServiceStatus.shape.endpoints.unwrap().element.shape.last_errors;

export const EndpointSummary = z.strictObject({
  origin: z.string().describe('scheme, host and port'),
  requests: Count.describe('sum over all routers, each since its start'),
  failures: Count,
  p50_ms: Milliseconds.optional().describe('of the slowest router'),
  p99_ms: Milliseconds.optional(),
  breakers: z
    .record(z.string(), z.enum(['closed', 'open', 'half_open']))
    .describe('circuit breaker by router'),
  last_errors: EndpointErrors,
  notifications: z
    .strictObject({
      state: z.enum(['failing', 'throttled', 'disabled']),
      by: z.enum(['notifier', 'operator']).optional().describe('who disabled it'),
      since: Time,
      tried_again: Time.optional().describe('time of the next probe'),
      failures: Count,
      error: z.string(),
    })
    .optional()
    .describe('absent while its notifications succeed'),
});
export type EndpointSummary = z.output<typeof EndpointSummary>;
export const EndpointList = z.strictObject({ endpoints: z.array(EndpointSummary) });

export const EndpointOrigin = z.strictObject({
  origin: z
    .string()
    .max(500)
    .refine(
      (text) => /^https?:/.test(text) && URL.parse(text)?.origin === text,
      'must be http(s)://HOST:PORT',
    ),
});

export const DeadLetter = z.strictObject({
  id: z.string().describe('id of the notification'),
  call: z.string(),
  time: Time.describe('when it became a dead letter'),
  endpoint: z.string(),
  url: z.string().describe('without userinfo and query'),
  reason: z.enum(['gone', 'refused', 'refused_url', 'exhausted', 'endpoint_disabled', 'unprocessable']),
  attempts: Count,
  error: z.string(),
  status: z.number().int().optional(),
  notification: Notification,
});
export type DeadLetter = z.output<typeof DeadLetter>;

export const DeadLetterFilter = z.strictObject({
  call: z.string().max(200).optional(),
  endpoint: z
    .string()
    .max(2000)
    .optional()
    .describe('dead letters for the scheme, host and port of this URL'),
  since: Time.optional().describe('became dead letters at this time or later'),
  until: Time.optional().describe('became dead letters before this time'),
});
export type DeadLetterFilter = z.output<typeof DeadLetterFilter>;

export const DeadLetterQuery = z.strictObject({ ...DeadLetterFilter.shape, limit: Limit });
export const DeadLetterList = z.strictObject({
  dead_letters: z.array(DeadLetter),
  total: Count.describe('all dead letters, of every page and filter'),
});

export const ReplayRequest = z
  .strictObject({
    ...DeadLetterFilter.shape,
    ids: z.array(z.string().max(300)).min(1).max(1000).optional(),
    all: z.literal(true).optional(),
  })
  .refine(
    ({ ids, all, ...filter }) =>
      [ids !== undefined, all, Object.values(filter).some((one) => one !== undefined)].filter(Boolean)
        .length === 1,
    'must have ids, or all, or at least one of call, endpoint, since and until',
  );
export type ReplayRequest = z.output<typeof ReplayRequest>;

export const ReplayResult = z.strictObject({
  replayed: Count,
  skipped: z
    .record(z.string(), Count)
    .describe('not replayed because their endpoint is disabled; by endpoint'),
});

export const ROLES = ['viewer', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export const Login = z.strictObject({ token: z.string().max(1000) });
export const Session = z.strictObject({ name: z.string(), role: z.enum(ROLES) });
export type Session = z.output<typeof Session>;

export const Done = z.strictObject({ ok: z.literal(true) });
export const Problem = z.strictObject({ error: z.string().describe('error message') });
