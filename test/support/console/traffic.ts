import type { ObservedNotification } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import {
  attempted,
  type Caller,
  caller,
  decided,
  notification,
  published,
  received,
  requested,
  START,
} from './steps.ts';

/** A repeatable source of numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const CRM = 'https://crm.example/calls';
const IVR = 'https://ivr.example:8443/route';
const FAILURES = [
  { cause: 'USER_BUSY', q850: 17, sip_status: 486 },
  { cause: 'NO_ANSWER', q850: 19, sip_status: 480 },
  { cause: 'ORIGINATOR_CANCEL', q850: 16, sip_status: 487 },
  { cause: 'NORMAL_TEMPORARY_FAILURE', q850: 41, sip_status: 503 },
] as const;
const RESULTS = [
  { result: 'response_timeout', error: 'no answer within 1000 ms' },
  { result: 'http_status', error: 'the endpoint answered 502' },
  { result: 'caller_gone', error: 'the caller hung up' },
] as const;

type Random = () => number;
const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;
/** An exponential distribution with this mean, at least `least`. */
const around = (random: Random, mean: number, least = 0): number =>
  Math.round(least - mean * Math.log(1 - random()));

type Hangup = Extract<ObservedNotification, { action: 'hangup' }>;
type Fate = {
  readonly gateway: string;
  readonly answeredMs?: number;
  readonly endMs: number;
  readonly hangup: Partial<Hangup>;
};

function hangupStep(call: Caller, { gateway, answeredMs, endMs, hangup }: Fate): TimelineStep {
  const given = notification(call, 'hangup', endMs) as Hangup;
  const talk_ms = answeredMs === undefined ? 0 : endMs - answeredMs;
  const leg = {
    ...{ leg: call.uuid.replace(/^0{8}/, 'bbbbbbbb'), number: call.to, gateway, talk_ms },
    ...{ cause: hangup.cause ?? 'NORMAL_CLEARING', answered: answeredMs !== undefined },
  };
  const full: Hangup = { ...given, billable_ms: talk_ms, ...hangup, tried: [leg] };
  return { ...published(call, 'hangup', endMs), notification: full } as TimelineStep;
}

function decisionOf(call: Caller, random: Random, endpoint: string): TimelineStep[] {
  const ttfb = around(random, random() < 0.02 ? 400 : 6, 2);
  const connect = random() < 0.1 ? 3 : 0;
  const ms = ttfb + connect + 1;
  const phases = { connect_ms: connect, tls_ms: 2 * connect, ttfb_ms: ttfb, body_ms: 0.4 };
  return [
    { ...received(call), endpoint } as TimelineStep,
    { ...requested(call, ms + 1), endpoint, ms, phases } as TimelineStep,
    { ...decided(call, ms + 4), ms: ms + 4 } as TimelineStep,
  ];
}

function undecidedCall(call: Caller, random: Random): TimelineStep[] {
  const { result, error } = pick(random, RESULTS);
  const ms = result === 'response_timeout' ? 1003 : around(random, 20, 5);
  return [
    { ...received(call), endpoint: CRM } as TimelineStep,
    { ...requested(call, ms), endpoint: CRM, result, error, ms, phases: { ttfb_ms: ms } } as TimelineStep,
    { ...decided(call, ms + 2), result, error, ms: ms + 2, applications: [] } as TimelineStep,
  ];
}

/** All steps of a call up to `now`: answered, failed or not decided. */
function oneCall(call: Caller, random: Random, troubled: boolean): TimelineStep[] {
  if (random() < (troubled ? 0.25 : 0.01)) return undecidedCall(call, random);
  const endpoint = random() < 0.75 ? CRM : IVR;
  const gateway = random() < 0.7 ? 'carrier-a' : 'carrier-b';
  const ringMs = around(random, 900, 300);
  const steps = [
    ...decisionOf(call, random, endpoint),
    published(call, 'ring', ringMs),
    attempted(call, 'ring', ringMs + 9),
  ];
  const answers = random() < (gateway === 'carrier-a' ? 0.72 : 0.5);
  const answeredMs = ringMs + around(random, 6000, 1500);
  if (!answers) {
    const failure = pick(random, FAILURES);
    const fate = {
      gateway,
      endMs: answeredMs,
      hangup: { ...failure, hangup_by: 'callee', billable_ms: 0 },
    } as const;
    return [...steps, hangupStep(call, fate), attempted(call, 'hangup', answeredMs + 8)];
  }
  const endMs = answeredMs + around(random, 95_000, 4000);
  const isLate = random() < 0.01;
  return [
    ...steps,
    published(call, 'answer', answeredMs),
    attempted(call, 'answer', answeredMs + 7),
    hangupStep(call, { gateway, answeredMs, endMs, hangup: { duration_ms: endMs } }),
    attempted(call, 'hangup', endMs + 8, 1, isLate ? 'retried' : 'delivered'),
  ];
}

/** Steps of calls that come in until `now`, in the order of their times: the same for the same seed and times. */
export function traffic(now: number, minutes: number, perSecond: number, seed = 1): TimelineStep[] {
  const random = randomFrom(seed);
  const begin = now - minutes * 60_000;
  const steps: TimelineStep[] = [];
  for (let time = begin; time < now; time += around(random, 1000 / perSecond)) {
    const part = (time - begin) / (now - begin);
    const node = random() < 0.6 ? 'fs-east' : 'fs-west';
    const from = `138${String(Math.floor(random() * 1e8)).padStart(8, '0')}`;
    const call = caller({ node, from, start: time - START });
    steps.push(...oneCall(call, random, part > 0.62 && part < 0.68));
    if (random() < 0.3 * (1 + Math.sin(part * 9))) time += 1500 / perSecond;
  }
  return steps
    .filter((step) => Date.parse(step.time) <= now)
    .sort((one, other) => Date.parse(one.time) - Date.parse(other.time));
}
