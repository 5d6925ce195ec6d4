import { BUCKET_MS, type DecisionPhase } from '#libs/contract/overview.ts';
import { PHASES } from '#libs/contract/phases.ts';
import type { Phases } from '#libs/contract/timeline.ts';
import { originOf } from '#libs/net/url.ts';
import type { CallRecord } from '../call-record.ts';
import { binOf } from './histogram.ts';
import type { Contribution, Entry } from './tally.ts';

const bucketOf = (time: string): number => Math.floor(Date.parse(time) / BUCKET_MS);

/** Sums of durations are counted in whole microseconds. */
export const MICROSECONDS = 1000;
const microseconds = (ms: number): number => Math.round(ms * MICROSECONDS);

/** Separates the two parts of a key. A URL contains no space. */
export const pair = (one: string, other: string | number): string => `${one} ${other}`;

function phaseEntries({ decisions, requests }: CallRecord): Entry[] {
  const sums = new Map<DecisionPhase, number>();
  for (const { phases } of requests)
    for (const phase of PHASES) {
      const ms = phases[`${phase}_ms` satisfies keyof Phases] ?? 0;
      sums.set(phase, (sums.get(phase) ?? 0) + microseconds(ms));
    }
  const inRequests = [...sums.values()].reduce((sum, one) => sum + one, 0);
  const all = decisions.reduce((sum, ms) => sum + microseconds(ms), 0);
  sums.set('other', Math.max(0, all - inRequests));
  return [...sums].map(([phase, sum]) => ['phase', phase, sum]);
}

function endpointEntries({ summary, requests }: CallRecord, talk: number, talked: number): Entry[] {
  const entries: Entry[] = requests.flatMap(({ origin, decided, ms }): Entry[] => [
    ['endpoint.requests', origin, 1],
    ['endpoint.failures', origin, decided ? 0 : 1],
    ['endpoint.latency', pair(origin, binOf(ms)), 1],
  ]);
  if (summary.endpoint === undefined) return entries;
  const origin = originOf(summary.endpoint) || summary.endpoint;
  return [
    ...entries,
    [`endpoint.${summary.outcome}`, origin, 1],
    ['endpoint.talk', origin, talk],
    ['endpoint.talked', origin, talked],
  ];
}

/** @returns undefined for a call whose beginning is not known: the stream has dropped it. */
export function contributionOf(record: CallRecord): Contribution | undefined {
  if (!record.entered) return undefined;
  const { summary, decisions, legs, ended } = record;
  const { outcome, node, cause, result, notifications, billable_ms } = summary;
  const hasTalked = outcome === 'answered' && billable_ms !== undefined;
  const talk = hasTalked ? Math.round(billable_ms) : 0;
  const entries: Entry[] = [
    ['calls', outcome, 1],
    [`node.${outcome}`, node, 1],
    ['talk', 'ms', talk],
    ['talk', 'calls', hasTalked ? 1 : 0],
    ...(outcome === 'failed' ? [['failed', cause ?? 'UNKNOWN', 1] as const] : []),
    ...(outcome === 'not_decided' ? [['not_decided', result ?? '', 1] as const] : []),
    ...decisions.map((ms): Entry => ['latency', String(binOf(ms)), 1]),
    ['decisions', 'n', decisions.length],
    ...phaseEntries(record),
    ...endpointEntries(record, talk, hasTalked ? 1 : 0),
    ...legs.flatMap(({ gateway, answered, talk_ms }): Entry[] => [
      ['gateway.legs', gateway, 1],
      ['gateway.answered', gateway, answered ? 1 : 0],
      ['gateway.talk', gateway, Math.round(talk_ms)],
    ]),
    ...Object.entries(notifications).map(([state, n]): Entry => ['notifications', state, n]),
  ];
  return {
    start: bucketOf(summary.started),
    end: ended === '' ? undefined : bucketOf(ended),
    entries: entries.filter(([, , n]) => n !== 0),
  };
}
