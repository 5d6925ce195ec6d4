import { afterAll, beforeAll, expect, it } from 'vitest';
import { CallList } from '#libs/contract/console.ts';
import { Overview } from '#libs/contract/overview.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import { publishAll } from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';
import { until } from '#test/support/until.ts';

const HOUR = 3_600_000;
const now = Date.now();
const steps = traffic(now, 20, 0.2);
const calls = new Set(steps.map(({ uuid }) => uuid)).size;

let console: ConsoleHarness;
beforeAll(async () => {
  console = await startHarness();
  await publishAll(console.nats, steps);
});
afterAll(() => console.stop());

async function read(url: string, path: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/${path}`, { headers: { authorization: `Bearer ${VIEWER}` } });
  return answer.json();
}
const day = new URLSearchParams({
  since: new Date(now - 23 * HOUR).toISOString(),
  until: new Date(now).toISOString(),
});
const overview = async (url: string) => Overview.parse(await read(url, `overview?${day}`));

it('counts every call of the timeline, and the same in a console that starts later', async () => {
  await until('the console has counted all', async () => (await overview(console.url)).total.calls === calls);
  const { notifications } = await overview(console.url);
  expect(notifications.published).toBeGreaterThan(calls);
  const other = await console.another();
  await until('the other has read the last step', async () => {
    const { kept } = CallList.parse(await read(other, 'calls'));
    const seen = (await overview(other)).notifications;
    return (
      kept === calls && seen.delivered === notifications.delivered && seen.retried === notifications.retried
    );
  });
  expect(await overview(other)).toEqual(await overview(console.url));
});

it('refuses a window of more than a day', async () => {
  expect(await read(console.url, 'overview?since=2026-03-01T00:00:00.000Z')).toEqual({
    error: 'since: a window has at most 24 hours',
  });
});
