import { z } from 'zod';
import { EndpointRequest, Notification } from './endpoint.ts';
import { RESULT_NAMES } from './results.ts';
import { ServiceStatus } from './status.ts';
import { TimelineStep } from './timeline.ts';

/** What the console's API takes and gives. `docs/openapi.json` is made from it. */

const Time = z.iso.datetime();
const Milliseconds = z.number().nonnegative();
const Count = z.number().int().nonnegative();

export const CALL_STATES = ['deciding', 'routed', 'ringing', 'answered', 'ended'] as const;
export const DELIVERY_STATES = ['told', 'retried', 'delivered', 'dead'] as const;

export const CallSummary = z.strictObject({
  uuid: z.string(),
  node: z.string(),
  state: z.enum(CALL_STATES).describe('how far the call has come; all but `ended` are live'),
  started: Time.describe('its first step'),
  updated: Time.describe('its last step'),
  from: z.string().describe("the caller's number"),
  from_name: z.string(),
  to: z.string().describe('the number dialled'),
  endpoint: z.string().optional().describe('asked last, without userinfo and query'),
  result: z.enum(RESULT_NAMES).optional().describe('dialhook_result'),
  error: z.string().optional().describe('why there is no decision'),
  decision_ms: Milliseconds.optional(),
  cause: z.string().optional().describe('the hangup cause'),
  hangup_by: z.enum(['caller', 'callee', 'freeswitch']).optional(),
  sip_status: z.number().int().optional(),
  duration_ms: Milliseconds.optional(),
  billable_ms: Milliseconds.optional(),
  notifications: z
    .strictObject({ told: Count, delivered: Count, retried: Count, dead: Count })
    .describe('how many there are in all, and how many of them stand at each outcome'),
});
export type CallSummary = z.output<typeof CallSummary>;

const Limit = z.coerce.number().int().min(1).max(500).default(50);

export const CallQuery = z.strictObject({
  q: z
    .string()
    .max(200)
    .optional()
    .describe('in the uuid, a number, the name, the endpoint, or as node, result or cause'),
  uuid: z.string().max(200).optional().describe('how the uuid begins'),
  number: z.string().max(100).optional().describe("in the caller's or the dialled number"),
  node: z.string().max(200).optional(),
  result: z.enum(RESULT_NAMES).optional(),
  state: z.enum(['live', 'ended']).optional(),
  since: Time.optional().describe('begun at this time or later'),
  until: Time.optional().describe('begun before this time'),
  limit: Limit,
  cursor: z.coerce.number().int().positive().optional().describe('`next` of the page before'),
});
export type CallQuery = z.output<typeof CallQuery>;

export const CallList = z.strictObject({
  calls: z.array(CallSummary).describe('the newest first'),
  next: z.number().int().optional().describe('the `cursor` of the next page, when there is one'),
  live: Count.describe('calls that are live, of all that the console keeps'),
  kept: Count.describe('calls that the console keeps'),
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
  trace_url: z.string().optional().describe('by TRACE_URL_TEMPLATE'),
  decisions: z
    .array(
      z.strictObject({
        request: EndpointRequest.optional().describe('what was asked'),
        asked: z.array(stepOf('asked')).describe('each endpoint that was asked, and what it answered'),
        decided: stepOf('decided').optional().describe('how that ended and what FreeSWITCH was told'),
      }),
    )
    .describe('one for each time that the call was asked about'),
  notifications: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(DELIVERY_STATES),
      notification: Notification.optional(),
      attempts: z.array(stepOf('attempted')),
    }),
  ),
  steps: z.array(TimelineStep).describe('all of it, in the order of time'),
});
export type CallDetail = z.output<typeof CallDetail>;

const Instance = ServiceStatus.omit({ endpoints: true });

export const NodeList = z.strictObject({
  nodes: z.array(z.strictObject({ node: z.string(), live: Count, agents: z.array(Instance) })),
  services: z.array(Instance).describe('routers, notifiers and consoles'),
});
export type NodeList = z.output<typeof NodeList>;

const EndpointErrors = ServiceStatus.shape.endpoints.unwrap().element.shape.last_errors;

export const EndpointSummary = z.strictObject({
  origin: z.string().describe('scheme, host and port'),
  requests: Count.describe('by all routers since they started'),
  failures: Count,
  p50_ms: Milliseconds.optional().describe('the slowest router counts'),
  p99_ms: Milliseconds.optional(),
  breakers: z.record(z.string(), z.enum(['closed', 'open', 'half_open'])).describe('by router'),
  last_errors: EndpointErrors,
  notifications: z
    .strictObject({
      state: z.enum(['failing', 'throttled', 'off']),
      by: z.enum(['notifier', 'operator']).optional().describe('who switched it off'),
      since: Time,
      tried_again: Time.optional(),
      failures: Count,
      error: z.string(),
    })
    .optional()
    .describe('what the notifiers know against it'),
});
export type EndpointSummary = z.output<typeof EndpointSummary>;
export const EndpointList = z.strictObject({ endpoints: z.array(EndpointSummary) });

export const EndpointSwitch = z.strictObject({
  origin: z
    .string()
    .max(500)
    .refine(
      (text) => /^https?:/.test(text) && URL.parse(text)?.origin === text,
      'must be http(s)://HOST:PORT',
    ),
  on: z.boolean(),
});

export const Letter = z.strictObject({
  id: z.string().describe('of the notification'),
  call: z.string(),
  time: Time.describe('when it was given up'),
  endpoint: z.string(),
  url: z.string().describe('without userinfo and query'),
  reason: z.enum(['gone', 'refused', 'refused_url', 'exhausted', 'endpoint_disabled']),
  attempts: Count,
  error: z.string(),
  status: z.number().int().optional(),
  notification: Notification,
});
export type Letter = z.output<typeof Letter>;

export const LetterFilter = z.strictObject({
  call: z.string().max(200).optional(),
  endpoint: z.string().max(2000).optional().describe('those to the scheme, host and port of this URL'),
  since: Time.optional().describe('given up at this time or later'),
  until: Time.optional().describe('given up before this time'),
});
export type LetterFilter = z.output<typeof LetterFilter>;

export const LetterQuery = z.strictObject({ ...LetterFilter.shape, limit: Limit });
export const LetterList = z.strictObject({
  letters: z.array(Letter),
  total: Count.describe('of all there are'),
});

export const ReplayRequest = z
  .strictObject({
    ...LetterFilter.shape,
    ids: z.array(z.string().max(300)).min(1).max(1000).optional(),
    all: z.literal(true).optional(),
  })
  .refine(
    ({ ids, all, ...filter }) =>
      [ids !== undefined, all, Object.values(filter).some((one) => one !== undefined)].filter(Boolean)
        .length === 1,
    'must hold ids, or all, or some of call, endpoint, since and until',
  );
export type ReplayRequest = z.output<typeof ReplayRequest>;

export const ReplayResult = z.strictObject({
  replayed: Count,
  skipped: z.record(z.string(), Count).describe('not sent, as their endpoint is switched off; by endpoint'),
});

export const ROLES = ['viewer', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export const Login = z.strictObject({ token: z.string().max(1000) });
export const Session = z.strictObject({ name: z.string(), role: z.enum(ROLES) });
export type Session = z.output<typeof Session>;

export const Done = z.strictObject({ ok: z.literal(true) });
export const Problem = z.strictObject({ error: z.string().describe('in words') });
