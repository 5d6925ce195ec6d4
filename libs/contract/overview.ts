import { z } from 'zod';
import { PHASES } from './phases.ts';
import { Count, Milliseconds, Time } from './scalars.ts';

/** Statistics of the calls that started in a window of time. `/api/overview` of the console. */

/** A day: the longest window, and the time for which the console keeps statistics. */
export const OVERVIEW_MS = 24 * 60 * 60_000;
export const HOUR_MS = 60 * 60_000;
/** Windows begin and end at multiples of it. */
export const BUCKET_MS = 10_000;

export const OUTCOMES = ['unknown', 'answered', 'failed', 'not_decided'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The phases of a request, and `other`: the rest of the decision, in the agent, NATS, the router and FreeSWITCH. */
export const DECISION_PHASES = [...PHASES, 'other'] as const;
export type DecisionPhase = (typeof DECISION_PHASES)[number];

export const OverviewQuery = z.strictObject({
  hours: z.coerce.number().int().min(1).max(24).default(1).describe('length of the window without `since`'),
  since: Time.optional().describe('start of the window, at most 24 hours before its end'),
  until: Time.optional().describe('end of the window; default: now'),
});
export type OverviewQuery = z.output<typeof OverviewQuery>;

const PhaseMeans = z
  .record(z.enum(DECISION_PHASES), Milliseconds)
  .describe('mean duration of each phase of a decision; a phase that did not happen counts as 0');

const outcomes = {
  calls: Count.describe('calls that started in the window'),
  unknown: Count.describe('calls that are not answered yet, or whose end is not reported'),
  answered: Count.describe(
    'a called leg answered, and the result of the last request is decided or defaulted',
  ),
  failed: Count.describe('ended without an answer'),
  not_decided: Count.describe('the last request had another result than decided or defaulted'),
};

const Reasons = z.array(z.strictObject({ reason: z.string(), calls: Count })).describe('most calls first');
const series = <S extends z.ZodType>(value: S) => z.array(value);

export const Overview = z.strictObject({
  since: Time,
  until: Time,
  step_ms: Count.describe('interval of the series'),
  kept_since: Time.optional().describe(
    'calls that started earlier are not counted: time of the oldest step that was read, but at most a day ago',
  ),
  live: Count.describe('live calls now'),
  total: z.strictObject({
    ...outcomes,
    talk_ms: Milliseconds.describe('talk time of the answered calls that have ended'),
    talked: Count.describe('answered calls that have ended'),
    median_ms: Milliseconds.optional().describe('of all decisions, within 1 %'),
    p99_ms: Milliseconds.optional(),
    phases: PhaseMeans,
  }),
  series: z
    .strictObject({
      time: series(z.number().int()).describe('start of each interval, seconds since 1970'),
      calls: series(Count),
      live: series(Count).describe('live calls at the end of the interval'),
      unknown: series(Count),
      answered: series(Count),
      failed: series(Count),
      not_decided: series(Count),
      median_ms: series(Milliseconds.nullable()),
      p99_ms: series(Milliseconds.nullable()),
      phases: z.record(z.enum(DECISION_PHASES), series(Milliseconds)),
    })
    .describe('columns of the same length, by the start of the calls'),
  failed: Reasons.describe('hangup causes of the failed calls'),
  not_decided: Reasons.describe('results of the calls that were not decided'),
  gateways: z
    .array(z.strictObject({ gateway: z.string(), legs: Count, answered: Count, talk_ms: Milliseconds }))
    .describe('called legs by gateway, of the calls that have ended; most legs first'),
  endpoints: z
    .array(
      z.strictObject({
        origin: z.string(),
        ...outcomes,
        talk_ms: Milliseconds,
        talked: Count,
        requests: Count,
        failures: Count.describe('requests without a decision'),
        median_ms: Milliseconds.optional().describe('of its requests, within 1 %'),
        p99_ms: Milliseconds.optional(),
      }),
    )
    .describe('by the endpoint requested last; most calls first'),
  nodes: z.array(z.strictObject({ node: z.string(), ...outcomes })),
  notifications: z
    .strictObject({
      published: Count,
      delivered: Count,
      retried: Count,
      dead: Count,
      pending: Count.describe('neither delivered nor dead, of all calls in memory'),
      oldest: Time.optional().describe('when the oldest pending notification was published'),
    })
    .describe('of the calls in the window'),
});
export type Overview = z.output<typeof Overview>;
