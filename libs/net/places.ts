export interface PlaceLimits {
  readonly max: number;
  /** How many of them one address may have. */
  readonly maxPerAddress: number;
  /** Bytes that all together may send, for each place. */
  readonly bytesPerPlace: number;
}

interface Held {
  readonly address: string;
  bytes: number;
}

/**
 * Places for connections. When there is none left, the one that has been waited for longest without a sign of who it is
 * gives way, and when they send too much together, the one that has sent most: whoever floods is in the way of himself
 * first, and what is known for a call is not touched for the sake of a newcomer.
 */
export class Places<T> {
  readonly #limits: PlaceLimits;
  readonly #held = new Map<T, Held>();
  readonly #byAddress = new Map<string, number>();
  /** The oldest first. */
  readonly #unknown = new Set<T>();
  #bytes = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Gives `one` a place. Returns who has to go for it: nobody, another or `one` itself, which has no place then. */
  take(one: T, address: string): T | undefined {
    const goes = this.#inTheWay(address);
    if (goes === 'the newcomer') return one;
    if (goes !== undefined) this.leave(goes.other);
    this.#held.set(one, { address, bytes: 0 });
    this.#unknown.add(one);
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    return goes?.other;
  }

  /** It is what it should be, and keeps its place. */
  known(one: T): void {
    this.#unknown.delete(one);
  }

  /** Returns who has to go now that `one` has sent so many bytes in all, if anyone. */
  sent(one: T, bytes: number): T | undefined {
    const held = this.#held.get(one);
    if (!held) return undefined;
    this.#bytes += bytes - held.bytes;
    held.bytes = bytes;
    if (this.#bytes <= this.#limits.max * this.#limits.bytesPerPlace) return undefined;
    const [heaviest] = [...this.#held].reduce((most, next) => (next[1].bytes > most[1].bytes ? next : most));
    this.leave(heaviest);
    return heaviest;
  }

  leave(one: T): void {
    const held = this.#held.get(one);
    if (!held) return;
    const { address, bytes } = held;
    const others = (this.#byAddress.get(address) ?? 0) - 1;
    if (others > 0) this.#byAddress.set(address, others);
    else this.#byAddress.delete(address);
    this.#bytes -= bytes;
    this.#unknown.delete(one);
    this.#held.delete(one);
  }

  #inTheWay(address: string): { readonly other: T } | 'the newcomer' | undefined {
    const ofAddress = (this.#byAddress.get(address) ?? 0) >= this.#limits.maxPerAddress;
    if (!ofAddress && this.#held.size < this.#limits.max) return undefined;
    for (const other of this.#unknown)
      if (!ofAddress || this.#held.get(other)?.address === address) return { other };
    return 'the newcomer';
  }
}
