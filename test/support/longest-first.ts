import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, the longest first. Vitest starts the largest files first, and all of one project before
 * another; a long file that starts last, such as a table of cases, would run alone at the end.
 */
const LONGEST = [
  'test/e2e/freeswitch/life-of-a-call.test.ts',
  'test/integration/simulator/life-of-a-call.test.ts',
  'test/integration/agent/recordings.test.ts',
  'test/e2e/helm/install.test.ts',
  'test/e2e/helm/calls.test.ts',
  'test/integration/notifier/partitions.test.ts',
  'test/integration/security/attacks-simulator.test.ts',
  'test/e2e/package/package.test.ts',
  'test/e2e/console/page.test.ts',
  'test/e2e/console/overview.test.ts',
  'test/e2e/console/search.test.ts',
  'test/integration/notifier/outage.test.ts',
  'test/integration/agent/reconciler.test.ts',
  'test/fuzz/processes/short.test.ts',
  'test/integration/simulator/hostile-parties.test.ts',
  'test/integration/notifier/redis-demotion.test.ts',
  'test/integration/notifier/redis-faults.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const gone = LONGEST.filter((file) => !existsSync(join(root, file)));
    if (gone.length > 0)
      throw new Error(`test/support/longest-first.ts lists ${gone.join(', ')}: no such file`);
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.indexOf(relative(root, moduleId));
      return place === -1 ? LONGEST.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => groupOf(one) - groupOf(other) || placeOf(one) - placeOf(other));
  }
}
