const SLOW_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;
const MAX_ORIGINS = 10_000;

interface Origin {
  inFlight: number;
  /** How long the last attempt took, when that was slow; else 0. */
  slowMs: number;
  /** When the next call that is sent away may come again, epoch milliseconds. */
  nextTurn: number;
}

/**
 * Keeps endpoints that are slow, or dead without saying so, from taking every slot of a worker. An endpoint whose last
 * attempt took 2 s or more gets a quarter of the slots, all such endpoints together half; a quick answer, good or bad,
 * makes it an endpoint like any other. Who gets no slot is told when to come again.
 */
export class Slots {
  readonly #each: number;
  readonly #allSlow: number;
  readonly #origins = new Map<string, Origin>();
  #slowInFlight = 0;

  constructor(slots: number) {
    this.#each = Math.max(1, Math.floor(slots / 4));
    this.#allSlow = Math.max(1, Math.floor(slots / 2));
  }

  /** 0 when a slot is taken, which `leave` gives back; else the milliseconds after which to come again. */
  enter(name: string, now: number, random: number): number {
    const origin = this.#origin(name);
    if (origin.slowMs > 0) {
      if (origin.inFlight >= this.#each || this.#slowInFlight >= this.#allSlow)
        return this.#turn(origin, now, random);
      this.#slowInFlight++;
    }
    origin.inFlight++;
    return 0;
  }

  leave(name: string, tookMs: number): void {
    const origin = this.#origin(name);
    if (origin.slowMs > 0) this.#slowInFlight -= origin.inFlight;
    origin.inFlight--;
    origin.slowMs = tookMs >= SLOW_MS ? tookMs : 0;
    if (origin.slowMs > 0) this.#slowInFlight += origin.inFlight;
    else if (origin.inFlight === 0) this.#origins.delete(name);
  }

  #turn(origin: Origin, now: number, random: number): number {
    const turn = Math.max(now, origin.nextTurn) + origin.slowMs / this.#each;
    origin.nextTurn = Math.min(turn, now + LONGEST_WAIT_MS);
    return Math.ceil((origin.nextTurn - now) * (0.5 + random / 2));
  }

  #origin(name: string): Origin {
    let origin = this.#origins.get(name);
    if (origin === undefined) {
      this.#forgetIdle();
      origin = { inFlight: 0, slowMs: 0, nextTurn: 0 };
      this.#origins.set(name, origin);
    }
    return origin;
  }

  #forgetIdle(): void {
    if (this.#origins.size < MAX_ORIGINS) return;
    for (const [name, { inFlight }] of this.#origins) if (inFlight === 0) this.#origins.delete(name);
  }
}
