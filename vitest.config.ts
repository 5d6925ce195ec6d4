import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { RepeatedTests } from './test/support/repeated-tests.ts';

const LONG_MS = 180_000;

/** Files run in processes of their own, since they start servers. */
const withServers = {
  pool: 'forks',
  testTimeout: LONG_MS,
  hookTimeout: LONG_MS,
  // Most of the time a test waits for its servers: the default, cores minus one, would take twice as long.
  maxWorkers: 4,
  // A landing does not depend on the load of the CI machine. The report names each test that was repeated: see CONTRIBUTING.md.
  retry: process.env['CI'] === undefined ? 0 : 1,
} as const;

export default defineConfig({
  test: {
    globalSetup: 'test/support/faults/setup.ts',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new RepeatedTests()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // One module graph per worker: importing the libraries in each file takes longer than the tests.
          isolate: false,
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'integration',
          // The cases of the life table, which mostly wait.
          maxConcurrency: 10,
          include: ['test/integration/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'e2e',
          include: ['test/{e2e,bench}/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          // Alone: a starved chaos process takes its own delays for faults of the product.
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
