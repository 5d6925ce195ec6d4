import type { LifeHarness } from './harness.ts';

/** One story of a call, by the sections of issue 13 or from a public report. */
export interface LifeCase {
  /** Unique; pending.ts refers to it. */
  readonly name: string;
  run(life: LifeHarness): Promise<void>;
}
