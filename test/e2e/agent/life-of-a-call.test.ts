import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTIONS, DEFAULT_ACTIONS, type Notification } from '#libs/contract/endpoint.ts';
import { linesOf, requestLine } from '#test/support/call-events/lines.ts';
import { STORIES, tell } from '#test/support/call-events/stories.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { until } from '#test/support/until.ts';

const LATE = new Set(['leg_end', 'transfer']);

describe.skipIf(!freeswitchFound())('the life of a call on a real FreeSWITCH', () => {
  let freeswitch: RealCaseNode;
  let cluster: TestCluster;

  beforeAll(async () => {
    freeswitch = await realCaseNode();
    cluster = await startTestCluster(freeswitch);
  });
  afterAll(async () => {
    await cluster?.stop();
    await freeswitch?.stop();
  });

  const delivered = (): Notification[] => cluster.delivered.map(({ notification }) => notification);
  const clear = () => {
    cluster.delivered.length = 0;
    cluster.requests.length = 0;
  };

  it.each(STORIES)('$name', async (story) => {
    clear();
    await tell(story, freeswitch, cluster, ACTIONS);
    await until(() => {
      const lines = linesOf(delivered());
      expect(Object.keys(lines).toSorted()).toEqual(Object.keys(story.expect).toSorted());
      for (const [dialled, expected] of Object.entries(story.expect))
        expect(lines[dialled]?.toSorted()).toEqual(expected.toSorted());
    });
    for (const one of delivered())
      if (one.action === 'hangup' && !one.recovered)
        expect(one.billable_ms).toBeLessThanOrEqual(one.duration_ms);
    for (const { uuid } of delivered()) {
      const actions = delivered().flatMap((one) => (one.uuid === uuid ? [one.action] : []));
      expect(actions.slice(actions.indexOf('hangup') + 1).filter((one) => !LATE.has(one))).toEqual([]);
    }
    const dialledIn = (uuid: string) =>
      cluster.requests.find((one) => one.uuid === uuid)?.destination_number ?? '';
    expect(cluster.requests.slice(1).map((one) => requestLine(one, dialledIn))).toEqual(story.requests ?? []);
    const ids = cluster.requests.map(({ uuid, attempt }) => `${uuid}.${attempt}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['the four actions of the original without notify', undefined, DEFAULT_ACTIONS],
    ['only what the decision lists', ['answer', 'hangup'], ['answer', 'hangup']],
  ] as const)('an endpoint gets %s', async (_, notify, expected) => {
    clear();
    const [answered] = STORIES;
    if (answered === undefined) throw new Error('no story');
    await tell(answered, freeswitch, cluster, notify);
    const wanted = expected.filter((action) => action !== 'progress');
    await until(() => expect(delivered().map(({ action }) => action)).toEqual(wanted));
  });
});
