import type { CALL_STATES, CallSummary, DELIVERY_STATES } from '#libs/contract/console.ts';
import { type Notification, notificationId, type ObservedNotification } from '#libs/contract/endpoint.ts';
import type { Outcome } from '#libs/contract/overview.ts';
import type { Phases, TimelineStep } from '#libs/contract/timeline.ts';
import { originOf } from '#libs/net/url.ts';
import type { Contribution } from './statistics/tally.ts';

type State = (typeof CALL_STATES)[number];
type Delivery = (typeof DELIVERY_STATES)[number];
type Step<S extends TimelineStep['step']> = Extract<TimelineStep, { step: S }>;

type ObservedHangup = Extract<ObservedNotification, { action: 'hangup' }>;

interface Request {
  readonly origin: string;
  readonly decided: boolean;
  readonly ms: number;
  readonly phases: Phases;
}

interface DialledLeg {
  readonly gateway: string;
  readonly answered: boolean;
  readonly talk_ms: number;
}

/** What the steps of a call say. The result does not depend on the order of the steps after the first. */
export interface CallRecord {
  /** Stream sequence of the call's first step. It is the page cursor: the same in every console. */
  readonly order: number;
  summary: CallSummary;
  /** Time of the step that set the state and the result: steps of different services can arrive out of order. */
  stateTime: string;
  resultTime: string;
  /** Time of the last request, which names the endpoint; '' without one. */
  requestTime: string;
  /** Whether its first request is known. The steps of a call that the stream has partly dropped begin later. */
  entered: boolean;
  /** Whether its end is reported: not for a call without notifications. */
  reported: boolean;
  /** Time of its end; '' while it is live. A call whose end is not reported ends, as far as is known, with its decision. */
  ended: string;
  /** Whether an `answer` was published. */
  answerSeen: boolean;
  /** Duration of each decision that did not end because the caller had gone, ms. */
  readonly decisions: number[];
  /** Requests sent to endpoints; a cached decision is none. */
  readonly requests: Request[];
  legs: readonly DialledLeg[];
  /** As the statistics have counted it; undefined when they have not. */
  counted: Contribution | undefined;
  readonly deliveries: Map<string, { state: Delivery; time: string; published: string }>;
}

/** The state of a call after a notification; other actions do not change it. */
const STATE_OF_ACTION: Readonly<Partial<Record<Notification['action'], State>>> = {
  ring: 'ringing',
  progress: 'ringing',
  answer: 'answered',
  hangup: 'ended',
};

export function beginRecord({ uuid, node, time }: TimelineStep, order: number): CallRecord {
  const summary: CallSummary = {
    uuid,
    node,
    state: 'deciding',
    outcome: 'unknown',
    started: time,
    updated: time,
    from: '',
    from_name: '',
    to: '',
    notifications: { published: 0, delivered: 0, retried: 0, dead: 0 },
  };
  return {
    ...{
      order,
      summary,
      stateTime: '',
      resultTime: '',
      requestTime: '',
      entered: false,
      reported: true,
      ended: '',
      answerSeen: false,
    },
    ...{ decisions: [], requests: [], legs: [], counted: undefined, deliveries: new Map() },
  };
}

function setState(record: CallRecord, state: State, time: string): void {
  if (state !== 'ended' && (record.summary.state === 'ended' || time < record.stateTime)) return;
  record.summary.state = state;
  record.stateTime = time;
  if (state === 'ended') record.ended = time;
}

function parties(
  summary: CallSummary,
  call: Pick<Notification, 'caller_id_number' | 'caller_id_name' | 'destination_number'>,
): void {
  summary.from ||= call.caller_id_number;
  summary.from_name ||= call.caller_id_name;
  summary.to ||= call.destination_number;
}

function deliver(record: CallRecord, id: string, state: Delivery, time: string): void {
  const known = record.deliveries.get(id);
  const isPublished = state === 'published';
  const published = isPublished ? time : (known?.published ?? '');
  if (known !== undefined && (isPublished || time < known.time)) {
    known.published = published;
    return;
  }
  record.deliveries.set(id, { state, time: isPublished ? '' : time, published });
  const counts = { published: record.deliveries.size, delivered: 0, retried: 0, dead: 0 };
  for (const one of record.deliveries.values()) if (one.state !== 'published') counts[one.state]++;
  record.summary.notifications = counts;
}

function legsOf(notification: ObservedHangup): DialledLeg[] {
  const { tried, billable_ms } = notification;
  const talking = tried.filter(({ answered }) => answered);
  return tried.flatMap(({ gateway, answered = false, talk_ms }) => {
    if (gateway === undefined) return [];
    // The end of the leg may be reported after the end of the call.
    const missing = talking.length === 1 && answered ? billable_ms : 0;
    return [{ gateway, answered, talk_ms: talk_ms ?? missing }];
  });
}

function published(record: CallRecord, { notification, time }: Step<'published'>): void {
  const { summary } = record;
  parties(summary, notification);
  const state = STATE_OF_ACTION[notification.action];
  if (state !== undefined) setState(record, state, time);
  deliver(record, notificationId(notification), 'published', time);
  if (notification.action === 'answer') record.answerSeen = true;
  if (notification.action !== 'hangup') return;
  summary.cause = notification.cause;
  if (notification.recovered) return;
  summary.hangup_by = notification.hangup_by;
  summary.duration_ms = notification.duration_ms;
  summary.billable_ms = notification.billable_ms;
  if (notification.sip_status !== undefined) summary.sip_status = notification.sip_status;
  if (notification.result !== undefined) summary.result ??= notification.result;
  record.legs = legsOf(notification);
  const gateways = [...new Set(record.legs.map(({ gateway }) => gateway))];
  if (gateways.length > 0) summary.gateways = gateways;
}

function decided(record: CallRecord, step: Step<'decided'>): void {
  // With `caller_gone` there may be no hangup notification, so the call ends here.
  setState(record, step.result === 'caller_gone' ? 'ended' : 'routed', step.time);
  if (step.result !== 'caller_gone') record.decisions.push(step.ms);
  if (step.time < record.resultTime) return;
  record.resultTime = step.time;
  const { error: _, ...rest } = record.summary;
  record.summary = {
    ...rest,
    result: step.result,
    decision_ms: step.ms,
    ...(step.error === undefined ? {} : { error: step.error }),
  };
}

function requested(record: CallRecord, step: Step<'requested'>): void {
  const { endpoint, cache, result, ms, phases, time } = step;
  if (time >= record.requestTime) {
    record.summary.endpoint = endpoint;
    record.requestTime = time;
  }
  if (cache === undefined)
    record.requests.push({
      origin: originOf(endpoint) || endpoint,
      decided: result === 'decided',
      ms,
      phases,
    });
}

/** Whether a result is a decision that was carried out. */
const isDecision = (result: CallSummary['result']): boolean => result === 'decided' || result === 'defaulted';

function outcomeOf({ summary, answerSeen }: CallRecord): Outcome {
  const { result, billable_ms = 0, state } = summary;
  if (result !== undefined && !isDecision(result)) return 'not_decided';
  if (answerSeen || billable_ms > 0) return 'answered';
  return state === 'ended' ? 'failed' : 'unknown';
}

export function addStep(record: CallRecord, step: TimelineStep): void {
  const { summary } = record;
  if (step.time < summary.started) summary.started = step.time;
  if (step.time > summary.updated) summary.updated = step.time;
  switch (step.step) {
    case 'received':
      parties(summary, step.request);
      summary.endpoint ??= step.endpoint;
      setState(record, 'deciding', step.time);
      if (step.request.attempt === 1) record.entered = true;
      if (step.notify === false) record.reported = false;
      break;
    case 'requested':
      requested(record, step);
      break;
    case 'decided':
      decided(record, step);
      break;
    case 'published':
      published(record, step);
      break;
    case 'attempted':
      deliver(record, step.notification, step.outcome, step.time);
      break;
  }
  if (!record.reported && record.summary.state !== 'ended') record.ended = record.resultTime;
  record.summary.outcome = outcomeOf(record);
}

/** The summary of one call. @returns undefined without any step. */
export function summaryOf(steps: readonly TimelineStep[]): CallSummary | undefined {
  const [first] = steps;
  if (first === undefined) return undefined;
  const record = beginRecord(first, 0);
  for (const step of steps) addStep(record, step);
  return record.summary;
}

/** When the oldest notification was published that is neither delivered nor dead; undefined without one. */
export function pendingSince({ summary, deliveries }: CallRecord): string | undefined {
  const { published, delivered, dead } = summary.notifications;
  if (published === delivered + dead) return undefined;
  return [...deliveries.values()]
    .filter(({ state }) => state === 'published' || state === 'retried')
    .map((one) => one.published || one.time)
    .reduce((oldest, one) => (one < oldest ? one : oldest));
}
