/** Longest delay before a rejected retry job may try again, ms. */
const LONGEST_TURN_MS = 30_000;
/** How long a reader waits for capacity in the limiter, ms. Then the notification is left to its retry job. */
const PATIENCE_MS = 100;
/** Assumed duration of an attempt while no attempt at the endpoint has finished, ms. */
const UNKNOWN_MS = 100;

interface InFlight {
  count: number;
  /** Duration of the last attempt, ms. */
  lastMs: number;
  /** When the next rejected retry job may try again, epoch ms. */
  nextTurn: number;
  /** Waiting readers, in order of arrival. */
  readonly waiters: Set<() => void>;
}

const none = (): InFlight => ({ count: 0, lastMs: UNKNOWN_MS, nextTurn: 0, waiters: new Set() });

/**
 * Limits the deliveries in flight in this process, and shares the limit among endpoints: a delivery starts only while
 * its endpoint has fewer deliveries in flight than the limiter has free capacity. One slow endpoint can therefore use half
 * of the limit at most, and N of them together N / (N + 1); the rest stays free for other endpoints.
 */
export class DeliveryLimiter {
  readonly #byOrigin = new Map<string, InFlight>();
  /** Retry times of endpoints without a delivery in flight, while the limiter is full. */
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

  /** Starts a delivery if there is capacity. `leave` must be called when it ends. */
  tryEnter(origin: string): boolean {
    const known = this.#byOrigin.get(origin);
    if ((known?.count ?? 0) >= this.#room) return false;
    this.#room--;
    if (known) known.count++;
    else this.#byOrigin.set(origin, { ...none(), count: 1 });
    return true;
  }

  /**
   * Starts a delivery and returns 0, or returns the ms after which to try again. For retry jobs, which BullMQ delays.
   */
  enterOrTurn(origin: string, now: number, random: number): number {
    if (this.tryEnter(origin)) return 0;
    const known = this.#byOrigin.get(origin) ?? this.#others;
    // Rejected jobs come back one by one, at the rate of the last attempts at the endpoint.
    const turn = Math.max(now, known.nextTurn) + known.lastMs / Math.max(1, known.count);
    known.nextTurn = Math.min(turn, now + LONGEST_TURN_MS);
    return Math.ceil((known.nextTurn - now) * (0.5 + random / 2)) || 1;
  }

  /** Whether capacity should become free within `PATIENCE_MS`, judging by the duration of the last attempt. */
  hasRoomSoon(origin: string): boolean {
    const known = this.#byOrigin.get(origin);
    return known !== undefined && ((known.waiters.size + 1) * known.lastMs) / known.count < PATIENCE_MS;
  }

  /**
   * Starts a delivery, and waits for capacity when it should become free soon. For readers. First come, first served.
   * @returns false when none became free within `PATIENCE_MS`.
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
      // The endpoint is slower than estimated: raise the estimate, so that the next reader does not wait either.
      known.lastMs = Math.max(known.lastMs, PATIENCE_MS * known.count);
      this.#forgetIfIdle(origin, known);
      resolve(false);
    }, PATIENCE_MS);
    known.waiters.add(enter);
    return promise;
  }

  /** @param tookMs duration of the attempt, ms; undefined when no attempt was made. */
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
