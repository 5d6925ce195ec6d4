import { account, type CallTruth } from '#deploy/local/account.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { FALLBACK, type PlacedCall } from './calls.ts';
import type { Allowed } from './faults.ts';

/** One line of the table. */
export interface Row {
  readonly fault: string;
  readonly calls: number;
  readonly decided: number;
  readonly dialplan_continued: number;
  /** Callers who gave up before there was a decision, as they were meant to. */
  readonly gave_up: number;
  /** Calls that ended with their switch. */
  readonly crashed: number;
  readonly worst_wait_ms: number;
  /** The longest time for which the measuring process itself got no turn. */
  readonly own_lag_ms: number;
  readonly expected: number;
  readonly delivered: number;
  readonly repeated: number;
  readonly out_of_order: number;
  readonly lost: number;
  /** Progress of called legs that no agent could see: none of the node was listening, or the call was not marked. */
  readonly unseen: number;
  readonly unexpected: number;
  /** Milliseconds from the end of the fault until all was well; null when that did not come. */
  readonly back_after_ms: number | null;
  readonly ok: boolean;
  /** Which promise is broken, in words. */
  readonly broken: readonly string[];
}

/** What is known of the calls of one fault. */
export interface Evidence {
  readonly fault: string;
  readonly allowed: Allowed;
  readonly calls: readonly PlacedCall[];
  /** The longest time of each call in the application `socket`, milliseconds. */
  readonly waits: ReadonlyMap<string, number>;
  readonly waitLimitMs: number;
  readonly ownLagMs: number;
  /** Webhook ids by call, in order of arrival. */
  readonly arrivals: ReadonlyMap<string, readonly string[]>;
  /** Calls that the endpoint was asked about or told of. */
  readonly known: ReadonlySet<string>;
  readonly backAfterMs: number | undefined;
  readonly missing: string | undefined;
}

type Outcome = 'decided' | 'dialplan_continued' | 'gave_up' | 'crashed' | 'stuck';

const DECIDED = new Set(['decided', 'defaulted']);
const ENDED_WITH_SWITCH = new Set(['CRASH', 'SYSTEM_SHUTDOWN']);

export function outcomeOf({ record, cancels, node }: PlacedCall, allowed: Allowed): Outcome {
  if (record === undefined) return 'stuck';
  const bridges = record.applications.filter(({ name }) => name === 'bridge');
  const fell = bridges.some(({ data }) => data.startsWith(FALLBACK));
  if (fell) return 'dialplan_continued';
  if (bridges.length > 0 || DECIDED.has(String(record.variables['dialhook_result']))) return 'decided';
  if (cancels && record.cause === 'ORIGINATOR_CANCEL') return 'gave_up';
  return allowed.crashed?.includes(node) && ENDED_WITH_SWITCH.has(record.cause) ? 'crashed' : 'stuck';
}

const isOfCalledLeg = ({ action }: { readonly action: string }): boolean => action !== 'hangup';

const SEEN_ACTIONS = ['ring', 'progress', 'answer'] as const;

/** Agents may have heard more of a call's legs than we have when its switch died. */
function withHeard(
  told: CallTruth['progress'],
  { uuid, arrived }: { readonly uuid: string; readonly arrived: ReadonlySet<string> },
): CallTruth['progress'] {
  const ids = new Set(told.map((one) => notificationId({ uuid, ...one })));
  const heard = [...arrived].filter((id) => !ids.has(id));
  return [
    ...told,
    ...heard.flatMap((id) => {
      const [, leg, name] = id.split('.');
      const action = SEEN_ACTIONS.find((one) => one === name);
      return leg && action ? [{ leg, action }] : [];
    }),
  ];
}

/** What the endpoint has to be told of a call, and how much of its progress nobody could see. */
function truthOf(call: PlacedCall, { allowed, arrivals, known }: Evidence): CallTruth & { unseen: number } {
  const { uuid, node, record } = call;
  const arrived = new Set(arrivals.get(uuid));
  const hangup = { leg: uuid, action: 'hangup' } as const;
  const came = (one: { leg: string; action: 'ring' | 'progress' | 'answer' | 'hangup' }) =>
    arrived.has(notificationId({ uuid, ...one }));
  const partial = record?.partial === true;
  const quiet = { uuid, result: undefined, decisionMs: undefined };
  const marked = record?.variables['dialhook_call'] !== undefined;
  if (!record || !(marked || known.has(uuid))) return { ...quiet, progress: [], unseen: 0 };
  // Agents see nothing of it, but whoever was asked has to hear that it is over.
  if (!marked && !partial)
    return { ...quiet, progress: [hangup], unseen: record.progress.filter(isOfCalledLeg).length };
  const told = partial ? withHeard(record.progress, { uuid, arrived }) : record.progress;
  const ended = told.some(({ action }) => action === 'hangup');
  const owed = ended || (!known.has(uuid) && !came(hangup)) ? told : [...told, hangup];
  const progress = allowed.unseen?.includes(node)
    ? owed.filter((one) => !isOfCalledLeg(one) || came(one))
    : owed;
  return { ...quiet, progress, unseen: owed.length - progress.length };
}

const EXAMPLES = 5;

/**
 * From FreeSWITCH through agent, NATS and router to the endpoint and back: each may get its turn as late as this process
 * was seen to get its own, one after the other.
 */
const PROCESSES_ON_THE_WAY = 10;

/** Ids of the first notifications that never came, or of the first that should not have. */
function examples(what: 'lost' | 'unexpected', truths: readonly CallTruth[], arrivals: Evidence['arrivals']) {
  const ids = truths.flatMap(({ uuid, progress }) => {
    const owed = new Set(progress.map((one) => notificationId({ uuid, ...one })));
    const came = new Set(arrivals.get(uuid));
    const [some, others] = what === 'lost' ? [owed, came] : [came, owed];
    return [...some].filter((id) => !others.has(id));
  });
  return ids.slice(0, EXAMPLES).join(' ');
}

export function judge(evidence: Evidence): Row {
  const { fault, allowed, calls, waits, waitLimitMs, ownLagMs, arrivals, backAfterMs, missing } = evidence;
  const outcomes = Map.groupBy(calls, (call) => outcomeOf(call, allowed));
  const count = (outcome: Outcome) => outcomes.get(outcome)?.length ?? 0;
  const truths = calls.map((call) => truthOf(call, evidence));
  const own = new Map([...calls].map(({ uuid }) => [uuid, arrivals.get(uuid) ?? []] as const));
  const { notifications: n } = account(truths, own);
  const worst = Math.round(Math.max(0, ...calls.map(({ uuid }) => waits.get(uuid) ?? 0)));

  const noTurn = `this process got no turn for up to ${ownLagMs} ms`;
  const broken: string[] = [];
  const stuck = outcomes.get('stuck') ?? [];
  if (stuck.length > 0) broken.push(`${stuck.length} calls neither decided nor fell through`);
  if (worst > waitLimitMs + PROCESSES_ON_THE_WAY * ownLagMs)
    broken.push(`a call waited ${worst} ms, more than ${waitLimitMs}; ${noTurn}`);
  if (n.lost > 0) broken.push(`${n.lost} notifications lost: ${examples('lost', truths, arrivals)}`);
  if (n.out_of_order > 0) broken.push(`${n.out_of_order} notifications out of order`);
  if (n.repeated > 0 && !allowed.repeats) broken.push(`${n.repeated} notifications repeated; ${noTurn}`);
  if (n.unexpected > 0 && !allowed.ghosts)
    broken.push(
      `${n.unexpected} notifications of what never was: ${examples('unexpected', truths, arrivals)}`,
    );
  if (backAfterMs === undefined) broken.push(`not well again by itself: ${missing ?? 'it never was'}`);
  return {
    fault,
    calls: calls.length,
    decided: count('decided'),
    dialplan_continued: count('dialplan_continued'),
    gave_up: count('gave_up'),
    crashed: count('crashed'),
    worst_wait_ms: worst,
    own_lag_ms: ownLagMs,
    expected: n.expected,
    delivered: n.delivered,
    repeated: n.repeated,
    out_of_order: n.out_of_order,
    lost: n.lost,
    unseen: truths.reduce((sum, { unseen }) => sum + unseen, 0),
    unexpected: n.unexpected,
    back_after_ms: backAfterMs ?? null,
    ok: broken.length === 0,
    broken,
  };
}
