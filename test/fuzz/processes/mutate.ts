import { hostilePieces } from '../arbitraries.ts';
import { CANARY } from '../property.ts';

/** Random numbers with a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  uuid(): string {
    const hex = Array.from({ length: 32 }, () => this.below(16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}

const PIECES = hostilePieces(CANARY);
const NUMBERS = [
  '-1',
  '0',
  '1e30',
  '1e-999',
  'NaN',
  '9007199254740993',
  '1.5',
  '0x10',
  '',
  '99999999999999999999',
];

export const hostileText = (random: Random): string => {
  if (random.chance(0.2)) return random.pick(NUMBERS);
  const text = Array.from({ length: random.below(4) }, () => random.pick(PIECES)).join('');
  return random.chance(0.02) ? text.repeat(2_000) : text;
};

/** Changes some bytes: flips, cuts, repeats, swaps and inserts. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let out = bytes;
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(out.length + 1);
    const to = Math.min(out.length, at + random.below(40));
    const [before, some, after] = [out.subarray(0, at), out.subarray(at, to), out.subarray(to)];
    const kinds = [
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, some, some, after]),
      () => Buffer.concat([before, Buffer.from(random.pick(PIECES)), after]),
      () =>
        Buffer.concat([before, Buffer.from([random.below(256)]), out.subarray(Math.min(out.length, at + 1))]),
      () => Buffer.concat([after, before]),
      () => before,
    ];
    out = random.pick(kinds)();
  }
  return out;
}

/** Replaces some values of a JSON object, adds, removes or renames keys; rarely at depth. */
export function mutateObject(random: Random, value: unknown): unknown {
  if (random.chance(0.02)) return random.pick([null, [], {}, '', 0, true, [[]], hostileText(random)]);
  if (Array.isArray(value)) return value.map((one) => (random.chance(0.3) ? mutateObject(random, one) : one));
  if (typeof value !== 'object' || value === null)
    return random.pick<unknown>([hostileText(random), hostileText(random), null, -1, 1e300, [], {}, true]);
  const entries = Object.entries(value);
  const chosen = random.below(entries.length || 1);
  return Object.fromEntries(
    entries.flatMap(([key, one], index) => {
      if (index !== chosen && !random.chance(0.1)) return [[key, one]];
      if (random.chance(0.15)) return [];
      if (random.chance(0.05)) return [[hostileText(random), one]];
      return [[key, mutateObject(random, one)]];
    }),
  );
}
