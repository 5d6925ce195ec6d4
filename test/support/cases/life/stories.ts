import { expect } from 'vitest';
import { ACTIONS, DEFAULT_ACTIONS, type Notification } from '#libs/contract/endpoint.ts';
import { linesOf, requestLine } from '#test/support/call-events/lines.ts';
import { STORIES, type Story } from '#test/support/call-events/stories.ts';
import type { TestEndpoint } from '#test/support/cases/stack.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import type { LifeHarness } from './harness.ts';

const LATE = new Set(['leg_end', 'transfer']);

const notified = ({ delivered }: TestEndpoint): Notification[] =>
  delivered.map(({ notification }) => notification);

/** Runs a story and resolves when every leg of it has ended. */
export function tell({ decide, run }: Story, life: LifeHarness, notify?: readonly string[]): Promise<void> {
  life.decide((request) => ({ ...(notify === undefined ? {} : { notify }), ...decide(request) }));
  return run((callees, more) => life.place(callees, more), life.freeswitch);
}

async function check(story: Story, endpoint: TestEndpoint): Promise<void> {
  await until('the story is notified', () => {
    const lines = linesOf(notified(endpoint));
    expect(Object.keys(lines).toSorted()).toEqual(Object.keys(story.expect).toSorted());
    for (const [dialled, expected] of Object.entries(story.expect))
      expect(lines[dialled]?.toSorted()).toEqual(expected.toSorted());
  });
  const all = notified(endpoint);
  for (const one of all)
    if (one.action === 'hangup' && !one.recovered)
      expect(one.billable_ms).toBeLessThanOrEqual(one.duration_ms);
  for (const { uuid } of all) {
    const actions = all.flatMap((one) => (one.uuid === uuid ? [one.action] : []));
    expect(actions.slice(actions.indexOf('hangup') + 1).filter((one) => !LATE.has(one))).toEqual([]);
  }
  // A router that was stalled on a busy machine may have repeated one: see "Hedged requests" in docs/architecture.md.
  const byId = new Map(endpoint.requests.map((one) => [`${one.uuid}.${one.attempt}`, one]));
  const requests = [...byId.values()];
  const dialledIn = (uuid: string) => requests.find((one) => one.uuid === uuid)?.destination_number ?? '';
  expect(requests.slice(1).map((one) => requestLine(one, dialledIn))).toEqual(story.requests ?? []);
}

const listed = (
  name: string,
  notify: readonly string[] | undefined,
  expected: readonly string[],
): LifeCase => ({
  name: `notify: an endpoint gets ${name}`,
  async run(life) {
    const [answered] = STORIES;
    if (answered === undefined) throw new Error('no story');
    await tell(answered, life, notify);
    await until('they are notified', () =>
      expect(notified(life.cluster).map(({ action }) => action)).toEqual(expected),
    );
  },
});

/** Every request and notification of the recorded calls (test/support/recordings). */
export const STORY_CASES: readonly LifeCase[] = [
  ...STORIES.map(
    (story): LifeCase => ({
      name: `story: ${story.name}`,
      ...(story.onlyFreeSwitch === undefined ? {} : { onlyFreeSwitch: story.onlyFreeSwitch }),
      async run(life) {
        await tell(story, life, ACTIONS);
        await check(story, life.cluster);
      },
    }),
  ),
  listed(
    'the four actions of the original without notify',
    undefined,
    DEFAULT_ACTIONS.filter((action) => action !== 'progress'),
  ),
  listed('only what the decision lists', ['answer', 'hangup'], ['answer', 'hangup']),
];
