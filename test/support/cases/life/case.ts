import type { LifeHarness } from './harness.ts';

/** One story of a call, by the sections of the table or from a public report. */
export interface LifeCase {
  readonly name: string;
  run(life: LifeHarness): Promise<void>;
  /** Not at the same time as other cases: it looks at the whole node, or restarts it. */
  readonly alone?: boolean;
  /** Why the simulator cannot show it. */
  readonly onlyFreeSwitch?: string;
}
