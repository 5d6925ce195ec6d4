import { type CallOutcome, reportCalls } from '#deploy/local/call-report.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { FALLBACK, type PlacedCall } from './calls.ts';
import type { Allowed } from './fault.ts';

/** One line of the table. */
export interface Row {
  readonly fault: string;
  readonly calls: number;
  readonly decided: number;
  readonly dialplan_continued: number;
  /** Calls whose caller hung up before the decision, as in its scenario. */
  readonly cancelled: number;
  /** Calls that ended with their node. */
  readonly crashed: number;
  /** Longest time of a call in the application `socket`. */
  readonly longest_socket_ms: number;
  /** Longest delay of the event loop of the chaos process itself. */
  readonly own_lag_ms: number;
  readonly expected: number;
  readonly delivered: number;
  readonly repeated: number;
  readonly out_of_order: number;
  readonly lost: number;
  /** Notifications of called legs that no agent could publish: none was connected, or the channel was not tagged. */
  readonly unobserved: number;
  readonly unexpected: number;
  /** Longest time from an event to the arrival of its notification. */
  readonly longest_delay_ms: number;
  /** From the end of the fault, in ms; null when the cluster did not recover. */
  readonly recovered_after_ms: number | null;
  readonly ok: boolean;
  /** One sentence for each broken promise. */
  readonly broken: readonly string[];
}

/** Everything that is known about the calls placed during one fault. */
export interface Evidence {
  readonly fault: string;
  readonly allowed: Allowed;
  readonly calls: readonly PlacedCall[];
  /** The longest time of each call in the application `socket`, in ms. */
  readonly socketMs: ReadonlyMap<string, number>;
  readonly socketLimitMs: number;
  readonly ownLagMs: number;
  /** `webhook-id`s by call, in order of arrival. */
  readonly arrivals: ReadonlyMap<string, readonly string[]>;
  /** The longest time from an event to the first arrival of its notification, in ms, by call. */
  readonly delays: ReadonlyMap<string, number>;
  /** Attempts that timed out, by `webhook-id`. */
  readonly timedOut: ReadonlyMap<string, number>;
  /** Calls that the endpoint has received a request or notification for. */
  readonly known: ReadonlySet<string>;
  readonly recoveredAfterMs: number | undefined;
  readonly problem: string | undefined;
}

type Outcome = 'decided' | 'dialplan_continued' | 'cancelled' | 'crashed' | 'stuck';

const DECIDED = new Set(['decided', 'defaulted']);
const ENDED_WITH_SWITCH = new Set(['CRASH', 'SYSTEM_SHUTDOWN']);

export function outcomeOf({ record, cancels, node }: PlacedCall, allowed: Allowed): Outcome {
  if (record === undefined) return 'stuck';
  const bridges = record.applications.filter(({ name }) => name === 'bridge');
  const continued = bridges.some(({ data }) => data.startsWith(FALLBACK));
  if (continued) return 'dialplan_continued';
  if (bridges.length > 0 || DECIDED.has(String(record.variables['dialhook_result']))) return 'decided';
  if (cancels && record.cause === 'ORIGINATOR_CANCEL') return 'cancelled';
  return allowed.crashed?.includes(node) && ENDED_WITH_SWITCH.has(record.cause) ? 'crashed' : 'stuck';
}

const isOfCalledLeg = ({ action }: { readonly action: string }): boolean => action !== 'hangup';

const LEG_ACTIONS = ['ring', 'progress', 'answer'] as const;

/** When a node crashed, agents may have received events that the observer did not. */
function withArrived(
  observed: CallOutcome['progress'],
  { uuid, arrived }: { readonly uuid: string; readonly arrived: ReadonlySet<string> },
): CallOutcome['progress'] {
  const ids = new Set(observed.map((one) => notificationId({ uuid, ...one })));
  const more = [...arrived].filter((id) => !ids.has(id));
  return [
    ...observed,
    ...more.flatMap((id) => {
      const [, leg, name] = id.split('.');
      const action = LEG_ACTIONS.find((one) => one === name);
      return leg && action ? [{ leg, action }] : [];
    }),
  ];
}

/** The notifications that the endpoint must receive for a call, and how many no agent could publish. */
function truthOf(
  call: PlacedCall,
  { allowed, arrivals, known }: Evidence,
): CallOutcome & { unobserved: number } {
  const { uuid, node, record } = call;
  const arrived = new Set(arrivals.get(uuid));
  const hangup = { leg: uuid, action: 'hangup' } as const;
  const came = (one: { leg: string; action: 'ring' | 'progress' | 'answer' | 'hangup' }) =>
    arrived.has(notificationId({ uuid, ...one }));
  const partial = record?.partial === true;
  const base = { uuid, result: undefined, decisionMs: undefined };
  const tagged = record?.variables['dialhook_call'] !== undefined;
  if (!record || !(tagged || known.has(uuid))) return { ...base, progress: [], unobserved: 0 };
  // No agent publishes anything of an untagged channel, but an endpoint that got a request must get the hangup.
  if (!tagged && !partial)
    return { ...base, progress: [hangup], unobserved: record.progress.filter(isOfCalledLeg).length };
  const observed = partial ? withArrived(record.progress, { uuid, arrived }) : record.progress;
  const ended = observed.some(({ action }) => action === 'hangup');
  const expected = ended || (!known.has(uuid) && !came(hangup)) ? observed : [...observed, hangup];
  const progress = allowed.unobserved?.includes(node)
    ? expected.filter((one) => !isOfCalledLeg(one) || came(one))
    : expected;
  return { ...base, progress, unobserved: expected.length - progress.length };
}

const EXAMPLES = 5;

/** A decision passes through so many processes, and each can be scheduled as late as this process was. */
const PROCESSES_ON_THE_WAY = 10;

/** Ids of the first lost or unexpected notifications. */
function examples(
  kind: 'lost' | 'unexpected',
  outcomes: readonly CallOutcome[],
  arrivals: Evidence['arrivals'],
) {
  const ids = outcomes.flatMap(({ uuid, progress }) => {
    const expected = new Set(progress.map((one) => notificationId({ uuid, ...one })));
    const came = new Set(arrivals.get(uuid));
    const [some, others] = kind === 'lost' ? [expected, came] : [came, expected];
    return [...some].filter((id) => !others.has(id));
  });
  return ids.slice(0, EXAMPLES).join(' ');
}

/** The endpoint, which runs in this process, answers late when this process is not scheduled for so long. */
const STARVED_MS = 250;

/** Deliveries beyond the first that no late answer of a starved endpoint explains. */
function unexplainedRepeats({ calls, arrivals, timedOut, ownLagMs }: Evidence): number {
  const perId = calls.flatMap(({ uuid }) => [...Map.groupBy(arrivals.get(uuid) ?? [], (id) => id).entries()]);
  const late = (id: string) => (ownLagMs < STARVED_MS ? 0 : (timedOut.get(id) ?? 0));
  return perId.reduce((sum, [id, all]) => sum + Math.max(0, all.length - 1 - late(id)), 0);
}

export function check(evidence: Evidence): Row {
  const { fault, allowed, calls, socketMs, socketLimitMs, ownLagMs, arrivals, recoveredAfterMs, problem } =
    evidence;
  const outcomes = Map.groupBy(calls, (call) => outcomeOf(call, allowed));
  const count = (outcome: Outcome) => outcomes.get(outcome)?.length ?? 0;
  const expectedCalls = calls.map((call) => truthOf(call, evidence));
  const own = new Map([...calls].map(({ uuid }) => [uuid, arrivals.get(uuid) ?? []] as const));
  const { notifications: n } = reportCalls(expectedCalls, own);
  const worst = Math.round(Math.max(0, ...calls.map(({ uuid }) => socketMs.get(uuid) ?? 0)));

  const lag = `the chaos process was not scheduled for up to ${ownLagMs} ms`;
  const broken: string[] = [];
  const stuck = outcomes.get('stuck') ?? [];
  if (stuck.length > 0)
    broken.push(`${stuck.length} calls were neither decided nor continued in the dialplan`);
  if (worst > socketLimitMs + PROCESSES_ON_THE_WAY * ownLagMs)
    broken.push(`a call stayed in socket for ${worst} ms, more than ${socketLimitMs}; ${lag}`);
  if (n.lost > 0) broken.push(`${n.lost} notifications lost: ${examples('lost', expectedCalls, arrivals)}`);
  if (n.out_of_order > 0) broken.push(`${n.out_of_order} notifications out of order`);
  const repeats = unexplainedRepeats(evidence);
  if (repeats > 0 && !allowed.repeats) broken.push(`${repeats} notifications repeated; ${lag}`);
  if (n.unexpected > 0 && !allowed.ghosts)
    broken.push(
      `${n.unexpected} unexpected notifications: ${examples('unexpected', expectedCalls, arrivals)}`,
    );
  if (recoveredAfterMs === undefined) broken.push(`did not recover: ${problem ?? 'unknown reason'}`);
  return {
    fault,
    calls: calls.length,
    decided: count('decided'),
    dialplan_continued: count('dialplan_continued'),
    cancelled: count('cancelled'),
    crashed: count('crashed'),
    longest_socket_ms: worst,
    own_lag_ms: ownLagMs,
    expected: n.expected,
    delivered: n.delivered,
    repeated: n.repeated,
    out_of_order: n.out_of_order,
    lost: n.lost,
    unobserved: expectedCalls.reduce((sum, { unobserved }) => sum + unobserved, 0),
    unexpected: n.unexpected,
    longest_delay_ms: Math.max(0, ...calls.map(({ uuid }) => evidence.delays.get(uuid) ?? 0)),
    recovered_after_ms: recoveredAfterMs ?? null,
    ok: broken.length === 0,
    broken,
  };
}
