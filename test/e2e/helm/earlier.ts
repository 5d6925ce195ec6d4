import { afterAll } from 'vitest';
import { earlierFiles, removeEarlier } from '#test/chaos/earlier-version.ts';
import { Unavailable } from '#test/chaos/unavailable.ts';

function find(): string | undefined {
  try {
    return earlierFiles();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.warn(`upgrades: left out, ${error.message}`);
    return undefined;
  }
}

/** The folder of the last release, without its packages; undefined where there is no history. */
export const EARLIER = find();
// A worker of Vitest ends without the event `exit`.
afterAll(removeEarlier);
