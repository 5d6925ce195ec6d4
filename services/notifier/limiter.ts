/** The longest that a retry job is sent away for, ms. */
const LONGEST_TURN_MS = 30_000;
/** How long a reader waits for room at an endpoint, ms. What cannot have it by then is left to a retry job. */
const PATIENCE_MS = 100;
/** Assumed duration of an attempt at an endpoint of which none has ended yet, ms. */
const UNKNOWN_MS = 100;

interface InFlight {
  count: number;
  /** Duration of the last attempt, ms. */
  lastMs: number;
  /** When the next retry job that is sent away may come again, epoch ms. */
  nextTurn: number;
  /** Readers that wait for room, the first first. */
  readonly waiters: Set<() => void>;
}

const none = (): InFlight => ({ count: 0, lastMs: UNKNOWN_MS, nextTurn: 0, waiters: new Set() });

/**
 * Bounds the deliveries of this process and shares the bound among endpoints: no endpoint has more deliveries in flight
 * than could still be started. However slow or dead an endpoint is, and however many calls wait for it, there is always
 * room for another: one such endpoint has at most half of the bound, N together N of N + 1 parts.
 */
export class DeliveryLimiter {
  readonly #byOrigin = new Map<string, InFlight>();
  /** Turns of endpoints with nothing in flight while there is no room. */
  readonly #others = none();
  readonly #max: number;
  #room: number;

  constructor(max: number) {
    this.#max = max;
    this.#room = max;
  }

  get inFlight(): number {
    return this.#max - this.#room;
  }

  /** Starts a delivery if there is room; `leave` ends it. */
  tryEnter(origin: string): boolean {
    const known = this.#byOrigin.get(origin);
    if ((known?.count ?? 0) >= this.#room) return false;
    this.#room--;
    if (known) known.count++;
    else this.#byOrigin.set(origin, { ...none(), count: 1 });
    return true;
  }

  /** 0 when a delivery is started; else the ms after which to try again. For retry jobs, which wait in BullMQ. */
  enterOrTurn(origin: string, now: number, random: number): number {
    if (this.tryEnter(origin)) return 0;
    const known = this.#byOrigin.get(origin) ?? this.#others;
    // One after the other, as fast as the endpoint was last seen to work.
    const turn = Math.max(now, known.nextTurn) + known.lastMs / Math.max(1, known.count);
    known.nextTurn = Math.min(turn, now + LONGEST_TURN_MS);
    return Math.ceil((known.nextTurn - now) * (0.5 + random / 2)) || 1;
  }

  /** Whether waiting for room at this endpoint is worth it, by the pace at which it was last seen to work. */
  hasRoomSoon(origin: string): boolean {
    const known = this.#byOrigin.get(origin);
    return known !== undefined && ((known.waiters.size + 1) * known.lastMs) / known.count < PATIENCE_MS;
  }

  /**
   * Starts a delivery, waiting for room if the endpoint works so fast that it comes soon. For readers, which wait in
   * the order in which they came.
   * @returns false when there is no room within `PATIENCE_MS`.
   */
  async enterSoon(origin: string): Promise<boolean> {
    if (this.tryEnter(origin)) return true;
    const known = this.#byOrigin.get(origin);
    if (known === undefined || !this.hasRoomSoon(origin)) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const enter = () => {
      if (!this.tryEnter(origin)) return;
      known.waiters.delete(enter);
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      known.waiters.delete(enter);
      if (this.tryEnter(origin)) {
        resolve(true);
        return;
      }
      // It has slowed down: the next reader does not wait until an attempt has ended again.
      known.lastMs = Math.max(known.lastMs, PATIENCE_MS * known.count);
      this.#forgetIfIdle(origin, known);
      resolve(false);
    }, PATIENCE_MS);
    known.waiters.add(enter);
    return promise;
  }

  /** @param tookMs how long the attempt took; undefined when none was made. */
  leave(origin: string, tookMs: number | undefined): void {
    const known = this.#byOrigin.get(origin);
    if (known === undefined) return;
    this.#room++;
    known.lastMs = tookMs ?? known.lastMs;
    known.count--;
    this.#forgetIfIdle(origin, known);
    this.#letIn(known);
    if (known.waiters.size > 0) return;
    for (const other of this.#byOrigin.values()) if (other.waiters.size > 0) this.#letIn(other);
  }

  #forgetIfIdle(origin: string, { count, waiters }: InFlight): void {
    if (count === 0 && waiters.size === 0) this.#byOrigin.delete(origin);
  }

  #letIn({ waiters }: InFlight): void {
    const [first] = waiters;
    first?.();
  }
}
