import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConsoleHarness, startHarness } from '#test/support/console/harness.ts';
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

it('resumes when NATS comes back, and restarts with another stream', async () => {
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

  const { jetstreamManager } = await import('@nats-io/jetstream');
  await (await jetstreamManager(nats)).streams.delete('DIALHOOK_TIMELINE');
  await makeTimeline(nats);
  const fourth = caller();
  publish(nats, [received(fourth)]);
  await until('the new stream alone is known', async () => {
    const { calls } = await list();
    return calls.length === 1 && calls[0]?.uuid === fourth.uuid;
  });
  await nats.close();
}, 60_000);
