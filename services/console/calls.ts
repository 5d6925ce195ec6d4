import type {
  CALL_STATES,
  CallList,
  CallQuery,
  CallSummary,
  DELIVERY_STATES,
} from '#libs/contract/console.ts';
import { type Notification, notificationId } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { LruMap } from '#libs/lru/lru-map.ts';

type State = (typeof CALL_STATES)[number];
type Delivery = (typeof DELIVERY_STATES)[number];

interface Entry {
  /** Stream sequence of the call's first step. It is the page cursor: the same in every console. */
  readonly order: number;
  summary: CallSummary;
  /** Time of the step that set the state and the result: steps of different services can arrive out of order. */
  stateTime: string;
  resultTime: string;
  readonly deliveries: Map<string, { state: Delivery; time: string }>;
}

/** The state of a call after a notification; other actions do not change it. */
const STATE_OF_ACTION: Readonly<Partial<Record<Notification['action'], State>>> = {
  ring: 'ringing',
  progress: 'ringing',
  answer: 'answered',
  hangup: 'ended',
};

function begin(step: TimelineStep, order: number): Entry {
  const { uuid, node, time } = step;
  const summary: CallSummary = {
    uuid,
    node,
    state: 'deciding',
    started: time,
    updated: time,
    from: '',
    from_name: '',
    to: '',
    notifications: { published: 0, delivered: 0, retried: 0, dead: 0 },
  };
  return { order, summary, stateTime: '', resultTime: '', deliveries: new Map() };
}

function setState(entry: Entry, state: State, time: string): void {
  if (state !== 'ended' && (entry.summary.state === 'ended' || time < entry.stateTime)) return;
  entry.summary.state = state;
  entry.stateTime = time;
}

function parties(
  summary: CallSummary,
  call: Pick<Notification, 'caller_id_number' | 'caller_id_name' | 'destination_number'>,
): void {
  summary.from ||= call.caller_id_number;
  summary.from_name ||= call.caller_id_name;
  summary.to ||= call.destination_number;
}

function deliver(entry: Entry, id: string, state: Delivery, time: string): void {
  const known = entry.deliveries.get(id);
  if (known !== undefined && (state === 'published' || time < known.time)) return;
  entry.deliveries.set(id, { state, time: state === 'published' ? '' : time });
  const states = [...entry.deliveries.values()].map((one) => one.state);
  const count = (wanted: Delivery) => states.filter((one) => one === wanted).length;
  entry.summary.notifications = {
    published: states.length,
    delivered: count('delivered'),
    retried: count('retried'),
    dead: count('dead'),
  };
}

function published(entry: Entry, notification: Notification, time: string): void {
  const { summary } = entry;
  parties(summary, notification);
  const state = STATE_OF_ACTION[notification.action];
  if (state !== undefined) setState(entry, state, time);
  deliver(entry, notificationId(notification), 'published', time);
  if (notification.action !== 'hangup') return;
  summary.cause = notification.cause;
  if (notification.recovered) return;
  summary.hangup_by = notification.hangup_by;
  summary.duration_ms = notification.duration_ms;
  summary.billable_ms = notification.billable_ms;
  if (notification.sip_status !== undefined) summary.sip_status = notification.sip_status;
  if (notification.result !== undefined) summary.result ??= notification.result;
}

function decided(entry: Entry, step: Extract<TimelineStep, { step: 'decided' }>): void {
  // With `caller_gone` there may be no hangup notification, so the call ends here.
  setState(entry, step.result === 'caller_gone' ? 'ended' : 'routed', step.time);
  if (step.time < entry.resultTime) return;
  entry.resultTime = step.time;
  const { error: _, ...rest } = entry.summary;
  entry.summary = {
    ...rest,
    result: step.result,
    decision_ms: step.ms,
    ...(step.error === undefined ? {} : { error: step.error }),
  };
}

function add(entry: Entry, step: TimelineStep): void {
  const { summary } = entry;
  if (step.time < summary.started) summary.started = step.time;
  if (step.time > summary.updated) summary.updated = step.time;
  switch (step.step) {
    case 'received':
      parties(summary, step.request);
      summary.endpoint ??= step.endpoint;
      setState(entry, 'deciding', step.time);
      break;
    case 'requested':
      summary.endpoint = step.endpoint;
      break;
    case 'decided':
      decided(entry, step);
      break;
    case 'published':
      published(entry, step.notification, step.time);
      break;
    case 'attempted':
      deliver(entry, step.notification, step.outcome, step.time);
      break;
  }
}

/** The summary of one call. @returns undefined without any step. */
export function summaryOf(steps: readonly TimelineStep[]): CallSummary | undefined {
  const [first] = steps;
  if (first === undefined) return undefined;
  const entry = begin(first, 0);
  for (const step of steps) add(entry, step);
  return entry.summary;
}

const includes = (text: string | undefined, part: string): boolean =>
  text?.toLowerCase().includes(part) ?? false;

function matchesText(call: CallSummary, text: string): boolean {
  const part = text.trim().toLowerCase();
  const { uuid, from, to, from_name, endpoint, node, result, cause } = call;
  return (
    [uuid, from, to, from_name, endpoint].some((one) => includes(one, part)) ||
    [node, result, cause].some((one) => one?.toLowerCase() === part)
  );
}

const matches = (call: CallSummary, query: CallQuery): boolean =>
  (query.q === undefined || matchesText(call, query.q)) &&
  (query.uuid === undefined || call.uuid.startsWith(query.uuid.toLowerCase())) &&
  (query.number === undefined || includes(call.from, query.number) || includes(call.to, query.number)) &&
  (query.node === undefined || call.node === query.node) &&
  (query.result === undefined || call.result === query.result) &&
  (query.state === undefined || (query.state === 'ended') === (call.state === 'ended')) &&
  (query.since === undefined || call.started >= query.since) &&
  (query.until === undefined || call.started < query.until);

/** Summaries of the last `max` calls, updated step by step from the timeline. The oldest is dropped first. */
export class Calls {
  /** In the order of their first steps: later steps do not count as a use. */
  readonly #entries: LruMap<string, Entry>;

  constructor(max: number) {
    this.#entries = new LruMap(max);
  }

  /** Applies one step with stream sequence `order`. @returns the updated summary; undefined when the call is not kept. */
  add(step: TimelineStep, order: number): CallSummary | undefined {
    let entry = this.#entries.peek(step.uuid);
    if (entry === undefined) {
      // A late attempt of a call that was dropped: adding it would show an old call as new.
      if (step.step === 'attempted') return undefined;
      entry = begin(step, order);
      this.#entries.set(step.uuid, entry);
    }
    add(entry, step);
    return entry.summary;
  }

  get size(): number {
    return this.#entries.size;
  }

  clear(): void {
    this.#entries.clear();
  }

  get(uuid: string): CallSummary | undefined {
    return this.#entries.peek(uuid)?.summary;
  }

  /** Live calls by node. */
  live(): ReadonlyMap<string, number> {
    const live = new Map<string, number>();
    for (const [, { summary }] of this.#entries)
      if (summary.state !== 'ended') live.set(summary.node, 1 + (live.get(summary.node) ?? 0));
    return live;
  }

  search(query: CallQuery): CallList {
    const { cursor = Number.POSITIVE_INFINITY, limit } = query;
    const found: Entry[] = [];
    for (const [, entry] of [...this.#entries].reverse()) {
      if (entry.order >= cursor || !matches(entry.summary, query)) continue;
      found.push(entry);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      calls: page.map(({ summary }) => summary),
      ...(last === undefined ? {} : { next: last.order }),
      live: [...this.live().values()].reduce((sum, one) => sum + one, 0),
      kept: this.#entries.size,
    };
  }
}
