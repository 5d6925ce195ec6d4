import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Arbitraries, arbitraries } from './arbitraries.ts';
import type { Leg } from './freeswitch-model.ts';

export interface Property {
  readonly name: string;
  readonly what: string;
  readonly check: (given: Arbitraries) => fc.IProperty<unknown>;
}

export const CANARY = '/tmp/dialhook-fuzz-canary';
/** Upper bound of CPU ms for one case: slower input could be a denial of service. */
const SLOW_MS = 2_000;

/** Cases of the current property that passed every check and were compared to the end. */
let executed = 0;

export const countExecuted = (): void => {
  executed++;
};

export function same(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

/** Returns undefined for the expected errors. Every other error is a finding. */
export function only<T>(errors: readonly (new (...given: never[]) => Error)[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (errors.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

/** A predicate that also fails when it exceeds the CPU bound. */
export const timed =
  <T extends unknown[]>(work: (...given: T) => void) =>
  (...given: T): void => {
    const before = process.cpuUsage();
    work(...given);
    const { user } = process.cpuUsage(before);
    const ms = user / 1000;
    if (ms > SLOW_MS) throw new Error(`took ${Math.round(ms)} ms`);
  };

/** Variables as FreeSWITCH stores them: names in lower case, the last value wins, an empty one is none. */
export function kept(into: Record<string, string>, variables: Readonly<Record<string, string>>) {
  for (const [name, value] of Object.entries(variables)) if (value !== '') into[name.toLowerCase()] = value;
  return into;
}

export const sorted = (legs: readonly Leg[]): readonly unknown[] =>
  legs.map(({ endpoint, variables }) => [
    endpoint,
    Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

export interface Outcomes {
  readonly name: string;
  readonly cases: number;
  /** Of these, the cases that were not refused and were compared to the end. */
  readonly executed: number;
  readonly ms: number;
  /** The counterexample and how to reproduce it. */
  readonly finding?: string;
}

/** Runs `cases` cases of one property. */
export function runProperty(property: Property, cases: number, seed: number): Outcomes {
  executed = 0;
  const started = performance.now();
  const details = fc.check(property.check(arbitraries(CANARY)), {
    numRuns: cases,
    seed,
    endOnFailure: false,
  });
  const ms = Math.round(performance.now() - started);
  const counted = { name: property.name, cases: details.numRuns, executed, ms };
  if (!details.failed) return counted;
  return { ...counted, finding: `${details.errorInstance}\n${fc.defaultReportMessage(details)}` };
}
