import { notificationId } from '#libs/contract/endpoint.ts';
import type { CallRecord } from '#libs/simulator/call-record.ts';

/** One placed call, as FreeSWITCH saw it. */
export interface CallOutcome {
  readonly uuid: string;
  /** dialhook_result on the caller leg at the end; undefined when the caller hung up before there was one. */
  readonly result: string | undefined;
  /** The events that must reach the endpoint as notifications, in order. */
  readonly progress: CallRecord['progress'];
  /** Duration of the decision as the agent measured it, ms. */
  readonly decisionMs: number | undefined;
}

export interface CallReport {
  readonly calls: number;
  readonly decided: number;
  readonly dialplan_continued: number;
  readonly by_result: Readonly<Record<string, number>>;
  readonly notifications: {
    readonly expected: number;
    readonly delivered: number;
    readonly repeated: number;
    readonly out_of_order: number;
    readonly lost: number;
    readonly unexpected: number;
  };
  readonly decision_ms: { readonly p50: number; readonly p99: number };
}

const CALLER_GONE = 'caller_gone';

function quantile(sorted: readonly number[], q: number): number {
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * q));
  return Math.round((sorted[at] ?? 0) * 10) / 10;
}

/**
 * The events that must reach the endpoint. Agents publish events of tagged channels only; a caller who hangs up at once can
 * be faster than the tag. If the endpoint knows of an untagged call it must get one hangup, which an agent synthesizes. It
 * knows of the call by the request, or by that hangup: the agent does not know whether the router has sent the request.
 */
export function expectedProgress(
  { uuid, variables, progress }: Pick<CallRecord, 'uuid' | 'variables' | 'progress'>,
  isKnown: boolean,
): CallRecord['progress'] {
  if (variables['dialhook_call'] !== undefined) return progress;
  return isKnown ? [{ leg: uuid, action: 'hangup' }] : [];
}

/** Counts notifications of one call that arrived after a later one. */
function misplaced(expected: readonly string[], arrived: readonly string[]): number {
  let latest = -1;
  let count = 0;
  for (const position of arrived.map((id) => expected.indexOf(id))) {
    if (position < latest) count++;
    latest = Math.max(latest, position);
  }
  return count;
}

/** Compares the notifications that arrived (webhook ids by call, in order of arrival) with those expected. */
export function reportCalls(
  calls: readonly CallOutcome[],
  arrivals: ReadonlyMap<string, readonly string[]>,
): CallReport {
  const results: Record<string, number> = {};
  const sums = { expected: 0, delivered: 0, repeated: 0, out_of_order: 0, lost: 0, unexpected: 0 };
  for (const { uuid, result = CALLER_GONE, progress } of calls) {
    results[result] = (results[result] ?? 0) + 1;
    const expected = progress.map((one) => notificationId({ uuid, ...one }));
    const arrived = arrivals.get(uuid) ?? [];
    const first = [...new Set(arrived)];
    const known = first.filter((id) => expected.includes(id));
    sums.expected += expected.length;
    sums.delivered += known.length;
    sums.repeated += arrived.length - first.length;
    sums.lost += expected.length - known.length;
    sums.unexpected += first.length - known.length;
    sums.out_of_order += misplaced(expected, known);
  }
  const uuids = new Set(calls.map(({ uuid }) => uuid));
  for (const [uuid, ids] of arrivals) if (!uuids.has(uuid)) sums.unexpected += ids.length;

  const times = calls.flatMap(({ decisionMs }) => decisionMs ?? []).sort((a, b) => a - b);
  const decided = results['decided'] ?? 0;
  return {
    calls: calls.length,
    decided,
    dialplan_continued: calls.length - decided - (results[CALLER_GONE] ?? 0),
    by_result: results,
    notifications: sums,
    decision_ms: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
  };
}

/** Whether every expected notification arrived once and in order, and no other. */
export const isComplete = ({ notifications: n }: CallReport): boolean =>
  n.lost === 0 &&
  n.repeated === 0 &&
  n.out_of_order === 0 &&
  n.unexpected === 0 &&
  n.delivered === n.expected;
