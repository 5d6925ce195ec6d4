import {
  BUCKET_MS,
  DECISION_PHASES,
  type DecisionPhase,
  OUTCOMES,
  type Outcome,
  type Overview,
} from '#libs/contract/overview.ts';
import { type CallRecord, pendingSince } from '../call-record.ts';
import { MICROSECONDS, pair } from './contribution.ts';
import { quantile } from './histogram.ts';
import type { Statistics } from './statistics.ts';
import { merge, read, type Tally } from './tally.ts';
import type { Window } from './window.ts';

const iso = (bucket: number): string => new Date(bucket * BUCKET_MS).toISOString();

function merged(tallies: Iterable<Tally | undefined>): Tally {
  const all: Tally = new Map();
  for (const tally of tallies) if (tally !== undefined) merge(all, tally);
  return all;
}

/** Counts of calls by outcome, of one key or of all calls. */
function outcomesOf(count: (outcome: Outcome) => number) {
  const [unknown, answered, failed, not_decided] = OUTCOMES.map(count) as [number, number, number, number];
  return { calls: unknown + answered + failed + not_decided, unknown, answered, failed, not_decided };
}
const allOutcomes = (tally: Tally | undefined) => outcomesOf((outcome) => read(tally, 'calls', outcome));

function durations(bins: ReadonlyMap<string, number> | undefined) {
  const median_ms = quantile(bins, 0.5);
  const p99_ms = quantile(bins, 0.99);
  return median_ms === undefined || p99_ms === undefined ? {} : { median_ms, p99_ms };
}

function phaseMean(tally: Tally | undefined, phase: DecisionPhase): number {
  const decisions = read(tally, 'decisions', 'n');
  return decisions === 0 ? 0 : Math.round(read(tally, 'phase', phase) / decisions) / MICROSECONDS;
}

const byPhase = <Value>(value: (phase: DecisionPhase) => Value) =>
  Object.fromEntries(DECISION_PHASES.map((phase) => [phase, value(phase)])) as Record<DecisionPhase, Value>;

const keys = (tally: Tally, dimensions: readonly string[]): string[] => [
  ...new Set(dimensions.flatMap((dimension) => [...(tally.get(dimension)?.keys() ?? [])])),
];

const reasons = (tally: Tally, dimension: string): Overview['failed'] =>
  [...(tally.get(dimension) ?? [])]
    .map(([reason, calls]) => ({ reason, calls }))
    .sort((a, b) => b.calls - a.calls || (a.reason < b.reason ? -1 : 1));

const gatewaysOf = (tally: Tally): Overview['gateways'] =>
  keys(tally, ['gateway.legs'])
    .map((gateway) => ({
      gateway,
      legs: read(tally, 'gateway.legs', gateway),
      answered: read(tally, 'gateway.answered', gateway),
      talk_ms: read(tally, 'gateway.talk', gateway),
    }))
    .sort((a, b) => b.legs - a.legs || (a.gateway < b.gateway ? -1 : 1));

const outcomeDimensions = (of: string) => OUTCOMES.map((outcome) => `${of}.${outcome}`);

/** The bins of each endpoint's requests. */
function latencies(tally: Tally): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const all = new Map<string, Map<string, number>>();
  for (const [key, n] of tally.get('endpoint.latency') ?? []) {
    const [origin = '', bin = ''] = key.split(pair('', ''));
    all.set(origin, (all.get(origin) ?? new Map<string, number>()).set(bin, n));
  }
  return all;
}

function endpointsOf(tally: Tally): Overview['endpoints'] {
  const bins = latencies(tally);
  return keys(tally, [...outcomeDimensions('endpoint'), 'endpoint.requests'])
    .map((origin) => ({
      origin,
      ...outcomesOf((outcome) => read(tally, `endpoint.${outcome}`, origin)),
      talk_ms: read(tally, 'endpoint.talk', origin),
      talked: read(tally, 'endpoint.talked', origin),
      requests: read(tally, 'endpoint.requests', origin),
      failures: read(tally, 'endpoint.failures', origin),
      ...durations(bins.get(origin)),
    }))
    .sort((a, b) => b.calls - a.calls || (a.origin < b.origin ? -1 : 1));
}

const nodesOf = (tally: Tally): Overview['nodes'] =>
  keys(tally, outcomeDimensions('node'))
    .sort()
    .map((node) => ({ node, ...outcomesOf((outcome) => read(tally, `node.${outcome}`, node)) }));

interface Point {
  /** Seconds since 1970. */
  readonly time: number;
  readonly tally: Tally;
  readonly live: number;
}

function pointsOf(statistics: Statistics, { first, end, step }: Window): Point[] {
  const buckets = statistics.buckets(first, end);
  let live = statistics.liveAt(first);
  return Array.from({ length: Math.ceil(buckets.length / step) }, (_, n) => {
    const tally = merged(buckets.slice(n * step, (n + 1) * step));
    live += read(tally, 'live', 'started') - read(tally, 'live', 'ended');
    return { time: ((first + n * step) * BUCKET_MS) / 1000, tally, live };
  });
}

function seriesOf(points: readonly Point[]): Overview['series'] {
  const outcomes = points.map(({ tally }) => allOutcomes(tally));
  const latency = points.map(({ tally }) => durations(tally.get('latency')));
  const outcome = (name: Outcome | 'calls') => outcomes.map((one) => one[name]);
  return {
    time: points.map(({ time }) => time),
    calls: outcome('calls'),
    live: points.map(({ live }) => live),
    unknown: outcome('unknown'),
    answered: outcome('answered'),
    failed: outcome('failed'),
    not_decided: outcome('not_decided'),
    median_ms: latency.map(({ median_ms }) => median_ms ?? null),
    p99_ms: latency.map(({ p99_ms }) => p99_ms ?? null),
    phases: byPhase((phase) => points.map(({ tally }) => phaseMean(tally, phase))),
  };
}

function pendingOf(records: readonly CallRecord[]) {
  let pending = 0;
  let oldest: string | undefined;
  for (const record of records) {
    const since = pendingSince(record);
    if (since === undefined) continue;
    const { published, delivered, dead } = record.summary.notifications;
    pending += published - delivered - dead;
    if (oldest === undefined || since < oldest) oldest = since;
  }
  return { pending, ...(oldest === undefined ? {} : { oldest }) };
}

/** The statistics of a window. `records` are the calls in memory, which have the pending notifications. */
export function overviewOf(statistics: Statistics, records: readonly CallRecord[], window: Window): Overview {
  statistics.trim();
  const { first, end, step } = window;
  const { keptSince } = statistics;
  const points = pointsOf(statistics, window);
  const total = merged(points.map(({ tally }) => tally));
  const notifications = (state: string) => read(total, 'notifications', state);
  return {
    since: iso(first),
    until: iso(end),
    step_ms: step * BUCKET_MS,
    ...(keptSince === undefined ? {} : { kept_since: keptSince }),
    live: statistics.liveAt(Number.POSITIVE_INFINITY),
    total: {
      ...allOutcomes(total),
      talk_ms: read(total, 'talk', 'ms'),
      talked: read(total, 'talk', 'calls'),
      ...durations(total.get('latency')),
      phases: byPhase((phase) => phaseMean(total, phase)),
    },
    series: seriesOf(points),
    failed: reasons(total, 'failed'),
    not_decided: reasons(total, 'not_decided'),
    gateways: gatewaysOf(total),
    endpoints: endpointsOf(total),
    nodes: nodesOf(total),
    notifications: {
      published: notifications('published'),
      delivered: notifications('delivered'),
      retried: notifications('retried'),
      dead: notifications('dead'),
      ...pendingOf(records),
    },
  };
}
