import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answeredCall, caller, makeTimeline, publish, taken } from '#test/support/console/steps.ts';
import { type ConsoleWorld, startWorld } from '#test/support/console/world.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

let world: ConsoleWorld;
let again: NatsServer | undefined;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.stop();
  await again?.stop();
});

const list = async () =>
  (await (await world.get('/api/calls')).json()) as {
    kept: number;
    calls: { uuid: string; state: string }[];
  };
const states = async () => (await list()).calls.map(({ state }) => state);

it('goes on where it was when NATS comes back, and begins anew with another stream', async () => {
  const [first, second, third] = [caller(), caller(), caller()];
  publish(world.nats, [...answeredCall(first), taken(second)]);
  await until('both are known', async () => (await states()).join() === 'deciding,ended');

  await world.natsServer.kill();
  const away = await world.get(`/api/calls/${first.uuid}`);
  expect([away.status, ((await away.json()) as { error: string }).error]).toEqual([
    503,
    expect.stringContaining('the timeline cannot be read'),
  ]);
  expect(await states()).toEqual(['deciding', 'ended']);

  again = await startNats({ port: world.natsServer.port, storeDir: world.natsServer.storeDir });
  const nats = await connect({ servers: again.url });
  publish(nats, answeredCall(second).slice(1));
  publish(nats, [taken(third)]);
  await until('it has caught up', async () => (await states()).join() === 'deciding,ended,ended');
  expect((await world.get(`/api/calls/${first.uuid}`)).status).toBe(200);

  const { jetstreamManager } = await import('@nats-io/jetstream');
  await (await jetstreamManager(nats)).streams.delete('DIALHOOK_TIMELINE');
  await makeTimeline(nats);
  const fourth = caller();
  publish(nats, [taken(fourth)]);
  await until('the new stream alone is known', async () => {
    const { calls } = await list();
    return calls.length === 1 && calls[0]?.uuid === fourth.uuid;
  });
  await nats.close();
}, 60_000);
