import { notificationId } from '#libs/contract/endpoint.ts';

/** One call as the switch saw it. */
export interface CallTruth {
  readonly uuid: string;
  /** dialhook_result on the caller's channel at the end; undefined when the caller gave up before there was one. */
  readonly result: string | undefined;
  /** What happened, in order: what the endpoint has to be told. */
  readonly progress: readonly {
    readonly leg: string;
    readonly action: 'ring' | 'progress' | 'answer' | 'hangup';
  }[];
  /** Milliseconds from the agent's first sight of the call to its outcome. */
  readonly decisionMs: number | undefined;
}

export interface Summary {
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

/** How many notifications of one call came after one that happened later. */
function misplaced(happened: readonly string[], arrived: readonly string[]): number {
  let latest = -1;
  let count = 0;
  for (const position of arrived.map((id) => happened.indexOf(id))) {
    if (position < latest) count++;
    latest = Math.max(latest, position);
  }
  return count;
}

/** Holds what the endpoint was told (webhook ids by call, in order of arrival) against what happened. */
export function account(
  truths: readonly CallTruth[],
  arrivals: ReadonlyMap<string, readonly string[]>,
): Summary {
  const results: Record<string, number> = {};
  const sums = { expected: 0, delivered: 0, repeated: 0, out_of_order: 0, lost: 0, unexpected: 0 };
  for (const { uuid, result = CALLER_GONE, progress } of truths) {
    results[result] = (results[result] ?? 0) + 1;
    const happened = progress.map((one) => notificationId({ uuid, ...one }));
    const arrived = arrivals.get(uuid) ?? [];
    const first = [...new Set(arrived)];
    const known = first.filter((id) => happened.includes(id));
    sums.expected += happened.length;
    sums.delivered += known.length;
    sums.repeated += arrived.length - first.length;
    sums.lost += happened.length - known.length;
    sums.unexpected += first.length - known.length;
    sums.out_of_order += misplaced(happened, known);
  }
  const uuids = new Set(truths.map(({ uuid }) => uuid));
  for (const [uuid, ids] of arrivals) if (!uuids.has(uuid)) sums.unexpected += ids.length;

  const times = truths.flatMap(({ decisionMs }) => decisionMs ?? []).sort((a, b) => a - b);
  const decided = results['decided'] ?? 0;
  return {
    calls: truths.length,
    decided,
    dialplan_continued: truths.length - decided - (results[CALLER_GONE] ?? 0),
    by_result: results,
    notifications: sums,
    decision_ms: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
  };
}

/** Whether every call and every notification is accounted for. */
export const complete = ({ notifications: n }: Summary): boolean =>
  n.lost === 0 &&
  n.repeated === 0 &&
  n.out_of_order === 0 &&
  n.unexpected === 0 &&
  n.delivered === n.expected;
