import { afterAll, beforeAll, expect, test } from 'vitest';
import { crowd, startPlaces, type TestPlaces } from '#test/support/agent/places.ts';
import { type NatsCluster, startNatsCluster } from '#test/support/servers/nats-cluster.ts';
import { until } from '#test/support/until.ts';

const MAX = 8;
let cluster: NatsCluster;
let agents: TestPlaces[];

beforeAll(async () => {
  cluster = await startNatsCluster({ jetstream: true, pingInterval: '1s' });
  const { url } = cluster;
  agents = await Promise.all(
    ['fs1', 'fs2', 'fs3'].map((name) => startPlaces(url, { name, replicas: 3, rereadMs: 2_000 })),
  );
  for (const { places } of agents) places.start(true);
  await until('every agent has read the stream', () => agents.every(({ places }) => places.hasRead));
}, 90_000);
afterAll(async () => {
  for (const { crash } of agents ?? []) await crash();
  await cluster[Symbol.asyncDispose]();
}, 60_000);

/**
 * Frees the places of calls that have ended, as reconciliation does: a server that crashes can deliver a message of a place
 * behind the later one that freed it.
 */
function reconcile(places: TestPlaces['places'], node: string): void {
  for (const call of places.view.owners(node)) places.free(places.placesOf(call));
}

test('limits hold on three NATS servers while each of them crashes once', { timeout: 180_000 }, async () => {
  for (const server of cluster.nodes) {
    const disturb = () => server.kill();
    const { most, verdicts } = await crowd(agents, MAX, { calls: 900, overMs: 4_000, disturb });
    console.info(`most at once ${most}, ${JSON.stringify(verdicts)}`);
    expect(most).toBeLessThanOrEqual(MAX);
    expect(verdicts.taken).toBeGreaterThan(0);
    await server.start();
    await until('all changes are stored', () => agents.every(({ places }) => places.buffered === 0));
    await until('no call counts', () => {
      for (const [at, { places }] of agents.entries()) reconcile(places, `fs${at + 1}`);
      return agents.every(({ used }) => used() === 0);
    });
  }
});
