import { randomUUID } from 'node:crypto';

/** Where chance comes from. */
export interface Random {
  uuid(): string;
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number;
}

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  below: (limit) => Math.floor(Math.random() * limit),
};

/** The same numbers and uuids for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (digits: number): string =>
    Math.floor(next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return {
    uuid: () =>
      `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + Math.floor(next() * 4)).toString(16)}${hex(3)}-${hex(12)}`,
    below: (limit) => Math.floor(next() * limit),
  };
}
