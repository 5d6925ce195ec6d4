import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Prints the tests that passed only when they were repeated, after all others. Each one is a bug of the test or of the
 * product: find it.
 */
export class RepeatedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const repeated = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky),
    );
    if (repeated.length === 0) return;
    console.log(`\n${repeated.length} tests passed only when repeated:`);
    for (const test of repeated) console.log(describe(test));
  }
}

const describe = (test: TestCase): string =>
  `  ${test.module.relativeModuleId} > ${test.fullName}\n    ${firstError(test)}`;

const firstError = (test: TestCase): string => test.result().errors?.[0]?.message ?? 'no message';
