import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CallList } from '#libs/contract/console.ts';
import { BUS } from '#libs/contract/messages.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import { answeredCall, caller, makeTimeline, publish, received } from '#test/support/console/steps.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

let console: ConsoleHarness;
let again: NatsServer | undefined;
beforeAll(async () => {
  console = await startHarness();
});
afterAll(async () => {
  await console.stop();
  await again?.stop();
});

const list = async () =>
  (await (await console.get('/api/calls')).json()) as {
    kept: number;
    calls: { uuid: string; state: string }[];
  };
const states = async () => (await list()).calls.map(({ state }) => state);

it('resumes when NATS comes back, restarts with another stream, and says when it cannot read it', async () => {
  const [first, second, third] = [caller(), caller(), caller()];
  publish(console.nats, [...answeredCall(first), received(second)]);
  await until('both are known', async () => (await states()).join() === 'deciding,ended');

  await console.natsServer.kill();
  const away = await console.get(`/api/calls/${first.uuid}`);
  expect([away.status, ((await away.json()) as { error: string }).error]).toEqual([
    503,
    expect.stringContaining('the timeline cannot be read'),
  ]);
  expect(await states()).toEqual(['deciding', 'ended']);

  again = await startNats({ port: console.natsServer.port, storeDir: console.natsServer.storeDir });
  const nats = await connect({ servers: again.url });
  publish(nats, answeredCall(second).slice(1));
  publish(nats, [received(third)]);
  await until('it has caught up', async () => (await states()).join() === 'deciding,ended,ended');
  expect((await console.get(`/api/calls/${first.uuid}`)).status).toBe(200);

  const { consumers, streams } = await jetstreamManager(nats);
  await streams.delete(BUS.timelineStream);
  await makeTimeline(nats);
  const fourth = caller();
  publish(nats, [received(fourth)]);
  await until('the new stream alone is known', async () => {
    const { calls } = await list();
    return calls.length === 1 && calls[0]?.uuid === fourth.uuid;
  });

  // A stream whose only consumer is not that of the next console.
  await streams.delete(BUS.timelineStream);
  await streams.add({ name: BUS.timelineStream, subjects: [`${BUS.timeline}.>`], max_consumers: 1 });
  await consumers.add(BUS.timelineStream, { durable_name: 'other' }).catch(() => {});
  publish(nats, [received(fourth)]);
  const url = await console.another();
  const headers = { authorization: `Bearer ${VIEWER}` };
  const unread = CallList.parse(await (await fetch(`${url}/api/calls`, { headers })).json());
  expect(unread).toMatchObject({ calls: [], complete: false });
  await nats.close();
}, 60_000);
