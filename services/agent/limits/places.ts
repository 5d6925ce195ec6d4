import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { Bus } from '#libs/bus/connection.ts';
import {
  type LimitMessage,
  type LimitReader,
  LimitStream,
  nodeOfSubject,
  type PlaceKey,
  placeOfSubject,
  placeSubject,
} from '#libs/bus/limit-stream.ts';
import { readMessage } from '#libs/bus/message.ts';
import type { LatestMessageLimits } from '#libs/bus/streams.ts';
import { PlaceMessage } from '#libs/contract/call-limits.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { LimitFollower } from './limit-follower.ts';
import { exceeded, LimitView, type Usage } from './limit-view.ts';
import { PlaceIndex } from './place-index.ts';
import { Upkeep } from './upkeep.ts';
import type { Verdict, Want } from './want.ts';

/** How long a call waits for its places. Then it is not counted in time: see `unchecked`. */
const WAIT_MS = 500;
const LOG_EVERY_DROPPED = 1_000;
/** Messages sent to JetStream at once, so that the end of an outage does not overload it. */
const MAX_IN_FLIGHT = 256;

export interface PlacesOptions {
  readonly bus: Bus;
  readonly stream: LatestMessageLimits;
  /** Places of a node without an agent that is connected to FreeSWITCH do not count after this time, ms. */
  readonly leaseMs: number;
  /** Interval at which the stream is read from its beginning. Default: a minute. */
  readonly rereadMs?: number;
  /** Changes buffered while JetStream does not accept them. */
  readonly maxBuffered: number;
  /** The name of this node; undefined before it is known. */
  readonly node: () => string | undefined;
  /** Whether the agent is connected to its FreeSWITCH. */
  readonly isUp: () => boolean;
  readonly log: Log;
  readonly aside: SetAside;
}

interface Change {
  readonly subject: string;
  readonly message: PlaceMessage;
}

/**
 * The places that calls take of limits, counted over the whole cluster. A place is a message of the stream DIALHOOK_LIMITS;
 * every agent reads the stream and so knows all places (LimitView):
 *
 *     wanted --> pending --> taken --> freed
 *        |          |  \                 ^
 *        |          |   +--> unchecked --+
 *        +--------> refused
 *
 * - wanted -> refused: the view shows that the limit is reached. No message is sent.
 * - wanted -> pending: `taken` is published.
 * - pending -> taken: the agent has read its own message, and the places before it in the stream leave one free. The order
 *   of the stream decides between agents: no two of them can take the last place.
 * - pending -> refused: they do not. The place is freed at once. Until then it counts: a call that comes in this moment may
 *   be refused although a place is becoming free.
 * - pending -> unchecked: JetStream does not answer within 500 ms. The message stays buffered, and counts when stored.
 * - taken -> freed: the leg or the call has ended. The message is buffered until JetStream has stored it, and deleted 30 s
 *   later.
 *
 * A crash of the agent in any state leaves at most a message `taken`. The next agent of the node, or its second one, frees
 * the place when the call has ended (`owners`, `freeGone`). Until an agent of the node is connected to FreeSWITCH again,
 * the node sends no heartbeats: after `leaseMs` the others no longer count its places.
 */
export class Places {
  readonly #options: PlacesOptions;
  readonly #stream: LimitStream;
  readonly #buffer: RetryBuffer<Change>;
  /** The view that verdicts and figures use. */
  #view: LimitView;
  /** The view that is filled while the stream is read from its beginning; undefined when that is done. */
  #loading: LimitView | undefined;
  /** Places that wait for their message to be read. */
  readonly #pending = new Map<string, (before: Usage) => void>();
  readonly #upkeep: Upkeep;
  /**
   * Places that this agent has requested and not freed, whether or not it has read their messages: a call can end before, for
   * example during an outage of NATS.
   */
  readonly #own = new PlaceIndex<PlaceKey>();
  #hasRead = false;
  readonly #follower: LimitFollower;

  constructor(options: PlacesOptions) {
    const { bus, stream, leaseMs, maxBuffered, log, aside } = options;
    this.#options = options;
    this.#stream = new LimitStream(bus, stream, log);
    this.#view = new LimitView({ leaseMs });
    this.#upkeep = new Upkeep({
      stream: this.#stream,
      leaseMs,
      onRun: () => this.#view.trim(stream.maxAgeMs),
      aliveNode: () => this.#aliveNode(),
      isConnected: () => bus.connected,
      log,
    });
    this.#follower = new LimitFollower({
      stream: this.#stream,
      openReader: () => this.#openReader(),
      rereadMs: options.rereadMs,
      onStart: () => this.#upkeep.start(),
      log,
    });
    this.#buffer = new RetryBuffer<Change>({
      keyOf: ({ subject }) => subject,
      send: (change) => this.#send(change),
      merge: (_, newer) => newer,
      limit: maxBuffered,
      maxInFlight: MAX_IN_FLIGHT,
      onDropped: ({ subject }, dropped) => {
        if (dropped % LOG_EVERY_DROPPED === 1) log.error('limit.place_dropped', { subject, dropped });
      },
      onSetAside: ({ subject }, error) => aside.add('limit_place', error, { subject }),
      onFailed: () => this.#stream.recheck(),
      onOutage: (err) => log.warn('limit.write_failed', { err, buffered: this.buffered }),
      onRestored: (outage) => log.info('limit.write_restored', { ...outage, buffered: this.buffered }),
    });
    bus.onChange((connected) => {
      if (connected) this.#buffer.retry();
    });
  }

  /** Messages that JetStream has not accepted yet. */
  get buffered(): number {
    return this.#buffer.size;
  }

  /** Whether the stream has been read to its end once. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  get view(): LimitView {
    return this.#view;
  }

  /**
   * Follows the stream from now on if it exists, because earlier calls of this node may have places, or if calls will need it:
   * `isUsed`. Otherwise the first call that takes a place starts that.
   */
  start(isUsed = false): void {
    if (isUsed) this.#follower.start();
    else this.#follower.startIfExists();
  }

  /** Whether the limit of a place is reached: `take` would refuse it at once. */
  isReached({ limit, bounds }: Want): boolean {
    return exceeded(bounds, this.#view.usage(limit)) !== undefined;
  }

  /** Takes places. Resolves with the verdict of each, in order. */
  take(wants: readonly Want[]): Promise<Verdict[]> {
    this.#follower.start();
    const late = pause(WAIT_MS, 'unchecked' as const, { ref: false });
    return Promise.all(wants.map((want) => this.#take(want, late)));
  }

  async #take(want: Want, late: Promise<'unchecked'>): Promise<Verdict> {
    const { bounds, ...key } = want;
    const { limit } = key;
    const refused = exceeded(bounds, this.#view.usage(limit));
    if (refused !== undefined) return refused;
    const subject = placeSubject(want);
    const { promise, resolve } = Promise.withResolvers<Usage>();
    this.#pending.set(subject, resolve);
    this.#own.set(subject, key);
    this.#buffer.add({ subject, message: { v: 1, state: 'taken', ...bounds } });
    // In an outage no call waits.
    const failed = (this.#buffer.trouble === undefined ? this.#buffer.attempted(subject) : turn()).then(() =>
      this.#buffer.has(subject) ? ('unchecked' as const) : late,
    );
    const before = await Promise.race([promise, failed, late]);
    this.#pending.delete(subject);
    if (before === 'unchecked') return before;
    const verdict = exceeded(bounds, before);
    if (verdict !== undefined) this.#free(subject, true);
    return verdict ?? 'taken';
  }

  /** The places of a call. */
  placesOf(owner: string): (PlaceKey & { readonly subject: string })[] {
    const own = [...this.#own.of(owner)].map(([subject, key]) => [subject, { ...key, subject }] as const);
    const read = this.#view.placesOf(owner).map((place) => [place.subject, place] as const);
    return [...new Map<string, PlaceKey & { readonly subject: string }>([...own, ...read]).values()];
  }

  /** Frees places. `unused`: the calls per second do not count them either. */
  free(keys: readonly PlaceKey[], unused = false): void {
    for (const key of keys) this.#free(placeSubject(key), unused);
  }

  #free(subject: string, unused: boolean): void {
    // The node's other agent may have freed it.
    const isTaken = this.#own.has(subject) || this.#view.has(subject) || this.#loading?.has(subject) === true;
    if (!isTaken) return;
    this.#own.delete(subject);
    this.#view.onFreed(subject, unused);
    this.#loading?.onFreed(subject, unused);
    this.#buffer.add({ subject, message: { v: 1, state: 'freed', ...(unused ? { unused } : {}) } });
  }

  /** Stops following. Resolves when every buffered message is stored, or `cancel` fires. */
  async close(cancel: AbortSignal): Promise<void> {
    await this.#buffer.drain(cancel);
    this.#upkeep.stop();
    await this.#follower.stop();
  }

  /** A place is freed in both views: the calls of this node end while the stream is read again, too. */
  #openReader(): LimitReader {
    const view = new LimitView({ leaseMs: this.#options.leaseMs, earlier: this.#view });
    this.#loading = view;
    return {
      onMessage: (message) => this.#onMessage(view, message),
      onCaughtUp: () => {
        view.onCaughtUp();
        this.#view = view;
        this.#loading = undefined;
        this.#hasRead = true;
      },
    };
  }

  #onMessage(view: LimitView, message: LimitMessage): void {
    const { subject, seq, time, data } = message;
    this.#options.aside.run(
      'limit_place',
      () => ({ subject, seq }),
      () => {
        const node = nodeOfSubject(subject);
        if (node !== undefined) view.onHeard(node, time);
        const key = placeOfSubject(subject);
        if (key === undefined) return;
        const place = readMessage(PlaceMessage, subject, data);
        if (place.state === 'freed') {
          view.onFreed(subject, place.unused === true);
          this.#own.delete(subject);
          if (key.node === this.#options.node()) this.#upkeep.onFreed(seq);
          return;
        }
        const { max, rate } = place;
        const before = view.onTaken({ ...key, subject, takenAt: time, bounds: { max, rate } });
        this.#pending.get(subject)?.(before);
      },
    );
  }

  async #send({ subject, message }: Change): Promise<void> {
    if (!this.#options.bus.connected) throw new Error('not connected to NATS');
    await this.#stream.publish(subject, JSON.stringify(message));
  }

  #aliveNode(): string | undefined {
    const { node, isUp } = this.#options;
    const name = node();
    return name !== undefined && isUp() && this.#view.isUsedBy(name) ? name : undefined;
  }
}
