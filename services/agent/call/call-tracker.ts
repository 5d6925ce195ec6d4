import type { EndpointRequest, TriedLeg } from '#libs/contract/endpoint.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import {
  endWait,
  isWaiting,
  onEntry,
  onJoin,
  onJoinedLegEnd,
  onJoinedLegLeft,
  onLegEvent,
  onLegLeft,
  type Step,
} from './call-model.ts';
import { type CallState, firstState, isOver } from './call-state.ts';
import { joiningsOf } from './joining.ts';
import type { LegEvent, OriginatedLeg } from './leg-event.ts';
import type { CallEvent } from './notification.ts';
import { tried } from './tried.ts';

/** How long a hangup waits for the end of called legs. FreeSWITCH reports the legs of a call within milliseconds. */
const LEG_END_WAIT_MS = 1_000;
/** How long a request waits for the end events of the legs that failed before it. */
const TRIED_WAIT_MS = 250;
/** Maximum number of calls in memory. Notifications of an evicted call lack details of the legs that had ended. */
const MAX_CALLS = 20_000;
/** Maximum number of legs by which calls are found; a call has a few. */
const MAX_LEGS = 4 * MAX_CALLS;

export interface CallTrackerOptions {
  /** Called for each notification, and for each hangup even when the endpoint does not want it. */
  readonly publish: (event: CallEvent) => void;
  /** Whether FreeSWITCH's events arrive; otherwise the tracker does not wait for one. */
  readonly isUp: () => boolean;
  /** Resolves when the events that have arrived are given to `onEvent`. Default: at once. */
  readonly readEvents?: (() => Promise<void>) | undefined;
  /** Runs `work` for one call. May catch its errors and return undefined. Default: runs it. */
  readonly isolate?: <T>(call: string, work: () => T) => T | undefined;
  /** Runs `work` after a delay. Returns a function that cancels it. Default: setTimeout. */
  readonly later?: (ms: number, work: () => void) => () => void;
}

function setTimer(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

interface Waiting {
  readonly call: CallState;
  readonly cancel: () => void;
}

/**
 * The states of calls (call-model.ts). Calls whose hangup waits are in `#waiting`, each with a timer, and never
 * evicted. All others are in `#calls`, which evicts the least recently used.
 */
export class CallTracker {
  readonly #options: CallTrackerOptions;
  readonly #later: NonNullable<CallTrackerOptions['later']>;
  readonly #isolate: NonNullable<CallTrackerOptions['isolate']>;
  readonly #calls = new LruMap<string, CallState>(MAX_CALLS);
  readonly #waiting = new Map<string, Waiting>();
  /** Called leg to the call that dialled it. */
  readonly #callOfLeg = new LruMap<string, string>(MAX_LEGS);
  /** Leg of another call, or of none, to the call that it joined. */
  readonly #joinedCall = new LruMap<string, string>(MAX_LEGS);
  /** Called after each change of a call. */
  readonly #observers = new Map<string, Set<() => void>>();

  constructor(options: CallTrackerOptions) {
    this.#options = options;
    this.#later = options.later ?? setTimer;
    this.#isolate = options.isolate ?? ((_, work) => work());
  }

  /** Number of calls in memory. */
  get size(): number {
    return this.#calls.size + this.#waiting.size;
  }

  onEvent(event: LegEvent): void {
    const { call, leg, kind } = event;
    if (kind === 'bridge') {
      this.#onBridge(event);
      return;
    }
    const joined = this.#joinedCall.get(leg);
    if (joined !== undefined && joined !== call)
      this.#change(joined, (known) => known && onJoinedLegEnd(known, event));
    if (call === '') return;
    if (leg !== call) this.#callOfLeg.set(leg, call);
    this.#change(call, (known) => onLegEvent(known, event));
  }

  /**
   * Call when a channel has entered `socket` and a request follows. `event.call` is the call of which the channel is
   * now the caller leg. After a transfer by the caller, `left` is the event for the call that dialled this leg before.
   */
  onEntry(event: LegEvent, reason: EndpointRequest['reason'], left?: LegEvent): void {
    if (left !== undefined) this.#onLeft(left);
    const isTransferred = reason === 'transfer' && left === undefined;
    this.#change(event.call, (known) => onEntry(known, event, isTransferred));
  }

  /** Resolves when the events that have arrived are processed. */
  async catchUp(): Promise<void> {
    await this.#options.readEvents?.();
  }

  /** The call that a leg of another call has joined by an attended transfer. */
  joinedCallOf(leg: string): string | undefined {
    return this.#joinedCall.get(leg);
  }

  /** When a call that is live began, epoch ms; undefined for one that has ended or is not known. */
  liveSince(uuid: string): number | undefined {
    const call = this.#options.isUp() ? this.#find(uuid) : undefined;
    return call === undefined || call.end !== undefined || call.started === 0 ? undefined : call.started;
  }

  /** The called legs of a call in the order tried. Waits briefly for the end events of legs that have just failed. */
  async tried(uuid: string, originated: readonly OriginatedLeg[]): Promise<TriedLeg[]> {
    const legs = () => this.#find(uuid)?.legs ?? new Map();
    const isComplete = () => originated.every(({ leg }) => legs().get(leg)?.ended > 0);
    if (!isComplete() && this.#options.isUp()) await this.#until(uuid, isComplete, TRIED_WAIT_MS);
    return tried(originated, legs());
  }

  /** Publishes every waiting hangup, because no further events arrive. */
  endWaits(): void {
    for (const uuid of [...this.#waiting.keys()]) this.#endWait(uuid);
  }

  #onLeft(left: LegEvent): void {
    const joined = this.#joinedCall.get(left.leg);
    this.#joinedCall.delete(left.leg);
    if (left.call !== '') this.#change(left.call, (known) => onLegLeft(known, left));
    if (joined !== undefined && joined !== left.call)
      this.#change(joined, (known) => known && onJoinedLegLeft(known, left));
  }

  #onBridge(event: LegEvent): void {
    const otherCall = this.#callOfLeg.get(event.otherLeg) ?? this.#find(event.otherLeg)?.uuid;
    const other = otherCall === undefined ? undefined : this.#find(otherCall);
    for (const { call, joining } of joiningsOf(event, other)) {
      if (joining.remaining === call) this.#joinedCall.set(joining.leg, call);
      this.#change(call, (known) => onJoin(known ?? firstState(event), joining));
    }
  }

  #find(uuid: string): CallState | undefined {
    return this.#waiting.get(uuid)?.call ?? this.#calls.get(uuid);
  }

  /** Publishes the hangup of a call that waits. A call whose hangup cannot be published is forgotten. */
  #endWait(uuid: string): void {
    this.#change(uuid, (known) => known && endWait(known));
    this.#waiting.get(uuid)?.cancel();
    this.#waiting.delete(uuid);
  }

  #change(uuid: string, next: (known: CallState | undefined) => Step | undefined): void {
    const step = this.#isolate(uuid, () => next(this.#find(uuid)));
    if (step === undefined) return;
    this.#keep(step.call);
    for (const notification of step.notifications)
      this.#isolate(uuid, () => this.#options.publish(notification));
    for (const observer of this.#observers.get(uuid) ?? []) observer();
  }

  #keep(call: CallState): void {
    const { uuid } = call;
    const waiting = this.#waiting.get(uuid);
    if (isWaiting(call)) {
      const cancel = waiting?.cancel ?? this.#later(LEG_END_WAIT_MS, () => this.#endWait(uuid));
      this.#calls.delete(uuid);
      this.#waiting.set(uuid, { call, cancel });
      return;
    }
    waiting?.cancel();
    this.#waiting.delete(uuid);
    if (isOver(call)) this.#calls.delete(uuid);
    else this.#calls.set(uuid, call);
  }

  async #until(uuid: string, condition: () => boolean, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const observers = this.#observers.get(uuid) ?? new Set();
    const check = () => {
      if (condition()) resolve();
    };
    this.#observers.set(uuid, observers.add(check));
    const cancel = this.#later(ms, resolve);
    await promise;
    cancel();
    observers.delete(check);
    if (observers.size === 0) this.#observers.delete(uuid);
  }
}

/** What a request needs to know of the events before it. */
export type EarlierEvents = Pick<CallTracker, 'tried' | 'catchUp' | 'onEntry' | 'joinedCallOf' | 'liveSince'>;

/** Knows no events: the earlier legs of a call are those in its channel data. */
export const NO_EARLIER_EVENTS: EarlierEvents = {
  tried: async (_, originated) => tried(originated, new Map()),
  catchUp: async () => {},
  onEntry: () => {},
  joinedCallOf: () => undefined,
  liveSince: () => undefined,
};
