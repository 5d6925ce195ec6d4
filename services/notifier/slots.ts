const LONGEST_WAIT_MS = 30_000;
/** What is assumed of an attempt at an endpoint of which none has ended yet. */
const UNKNOWN_MS = 100;

interface Held {
  inFlight: number;
  /** How long the last attempt took. */
  tookMs: number;
  /** When the next call that is sent away may come again, epoch milliseconds. */
  nextTurn: number;
}

/**
 * Shares the slots of this process among endpoints: none ever has more of them than are free. So however slow or dead
 * an endpoint is, and however many calls wait for it, there is always a slot for another's: of one such endpoint half
 * of all slots, of N together one in N + 1.
 */
export class Slots {
  readonly #held = new Map<string, Held>();
  /** Stands for all endpoints that have no slot while none is free. */
  readonly #none: Held = { inFlight: 0, tookMs: UNKNOWN_MS, nextTurn: 0 };
  readonly #all: number;
  #free: number;

  constructor(slots: number) {
    this.#all = slots;
    this.#free = slots;
  }

  get used(): number {
    return this.#all - this.#free;
  }

  /** How many more one endpoint could have, were it the only one. */
  get room(): number {
    return Math.floor(this.#all / 2) - this.used;
  }

  /** Whether more than half of that is used. */
  get crowded(): boolean {
    return this.used > this.#all / 4;
  }

  /** Whether a slot is taken, which `leave` gives back. */
  take(origin: string): boolean {
    const held = this.#held.get(origin);
    if ((held?.inFlight ?? 0) >= this.#free) return false;
    this.#free--;
    if (held) held.inFlight++;
    else this.#held.set(origin, { inFlight: 1, tookMs: UNKNOWN_MS, nextTurn: 0 });
    return true;
  }

  /** 0 when a slot is taken; else the milliseconds after which to come again. */
  enter(origin: string, now: number, random: number): number {
    return this.take(origin) ? 0 : this.#turn(this.#held.get(origin) ?? this.#none, now, random);
  }

  /** @param tookMs how long the attempt took; undefined when none was made. */
  leave(origin: string, tookMs: number | undefined): void {
    const held = this.#held.get(origin);
    if (held === undefined) return;
    this.#free++;
    held.tookMs = tookMs ?? held.tookMs;
    if (--held.inFlight === 0) this.#held.delete(origin);
  }

  /** Those sent away come again one after the other, as fast as the endpoint was last seen to work. */
  #turn(held: Held, now: number, random: number): number {
    const turn = Math.max(now, held.nextTurn) + held.tookMs / Math.max(1, held.inFlight);
    held.nextTurn = Math.min(turn, now + LONGEST_WAIT_MS);
    return Math.ceil((held.nextTurn - now) * (0.5 + random / 2)) || 1;
  }
}
