import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import { ensureProgressStream, isDuplicateInProcess, ProgressPublisher } from '#libs/bus/progress.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, ofCall } from '#test/support/notifier/progress.ts';
import { startReceiver } from '#test/support/notifier/receiver.ts';
import { type NatsCluster, startNatsCluster } from '#test/support/servers/nats-cluster.ts';
import { until } from '#test/support/until.ts';

const LIMITS = { replicas: 3, maxBytes: 8 << 20, maxAgeMs: 3_600_000 };
let cluster: NatsCluster;
const services: Lifecycle[] = [];

beforeAll(async () => {
  cluster = await startNatsCluster({ jetstream: true });
}, 60_000);
afterAll(async () => {
  for (const lifecycle of services) await lifecycle.stop();
  await cluster[Symbol.asyncDispose]();
});

async function service() {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  services.push(lifecycle);
  const bus = await Bus.connect(cluster.url, 'test', lifecycle, log);
  await until('JetStream has a leader', async () => {
    await bus.jetstreamManager({ timeout: 1_000 });
    await ensureProgressStream(bus, { duplicateWindowMs: 120_000, ...LIMITS });
  });
  return { bus, log, lines };
}

test('two agents that publish the same and remove the same calls at once report no trouble', {
  timeout: 60_000,
}, async () => {
  const [one, two] = [await service(), await service()];
  const calls = Array.from({ length: 200 }, (_, i) => ({
    ...{ v: 1 as const, url: 'http://a/', uuid: `call-${i}`, node: 'fs1' },
    ...{
      caller_id_number: '1',
      caller_id_name: '',
      destination_number: '2',
      started: '2026-11-23T18:20:26.595Z',
    },
  }));
  const events = calls.flatMap(({ uuid }) => callOf('http://a/', 1, uuid));
  const publishers = [new ProgressPublisher(one.bus), new ProgressPublisher(two.bus)];
  const published = await Promise.allSettled(
    events.flatMap((event) => publishers.map((publisher) => publisher.publish(event, ROOT_CONTEXT))),
  );
  const failures = published.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  console.info(`of ${published.length} publications ${failures.length} are duplicates in process`);
  expect(failures.filter((error) => !isDuplicateInProcess(error))).toEqual([]);
  expect(published.filter((result) => result.status === 'fulfilled' && result.value)).toHaveLength(200);

  const live = [one, two].map(
    ({ bus, log }) => new LiveCalls(bus, { ...LIMITS, maxBuffered: 1_000 }, log, new SetAside(log)),
  );
  for (const of of live) await until('the stream has a leader', async () => void (await of.uuids('fs1')));
  await until(
    'it accepts',
    async () => void (await one.bus.jetstream().publish('dialhook.live.fs1.probe', '{}')),
  );
  await Promise.all(calls.flatMap((call) => live.map((of) => of.add(call))));
  for (const of of live) await of.uuids('fs1');
  for (const call of calls) for (const of of live) of.remove(call);
  await Promise.all(live.map((of) => of.drain(AbortSignal.timeout(20_000))));
  expect(live.map(({ trouble, buffered }) => [trouble, buffered])).toEqual([
    [undefined, 0],
    [undefined, 0],
  ]);
  for (const { lines } of [one, two])
    expect(lines.filter(({ event }) => event === 'live_call.write_failed')).toEqual([]);
});

/** How long the servers stay away after the notifier has noticed: several attempts to read, ms. */
const MAX_PAIRS = 5;
const AWAY_MS = 8_000;

test('two of three servers are away: a notifier is not ready until it reads again, and nothing is lost', {
  timeout: 90_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  const { bus } = await service();
  const { log, lines } = recordLog();
  const settings = { NATS_URL: cluster.url, PROGRESS_REPLICAS: '3', TIMELINE: 'off', TAKEOVER_MS: '2000' };
  await using notifier = await harness.notifier(settings, undefined, log);
  await until('it is ready', () => notifier.health().ready);
  const publisher = new ProgressPublisher(bus);
  const publish = async (events: ReturnType<typeof callOf>) => {
    for (const event of events)
      await until('it is published', async () => void (await publisher.publish(event, ROOT_CONTEXT)));
  };
  const before = callOf(endpoint.url, 3);
  await publish(before);
  await until('they are delivered', () => ofCall(endpoint.accepted, before).length === 3);

  const readerLines = () =>
    lines.map(({ event }) => event).filter((event) => event.startsWith('stream.read'));
  const [, second, third] = cluster.nodes;
  if (!second || !third) throw new Error('no nodes');
  await Promise.all([second.kill(), third.kill()]);
  await until('it is not ready', () => !notifier.health().ready);
  let looks = 0;
  let readyLooks = 0;
  const timer = setInterval(() => {
    looks++;
    if (notifier.health().ready) readyLooks++;
  }, 20);
  await sleep(AWAY_MS);
  clearInterval(timer);
  expect(looks).toBeGreaterThan(0);
  expect(readyLooks).toBe(0);
  expect(readerLines().at(-1)).toBe('stream.read_failed');

  await Promise.all([second.start(), third.start()]);
  const after = callOf(endpoint.url, 3);
  await publish(after);
  await until(() => expect(ofCall(endpoint.accepted, after)).toEqual(idsOf(after)));
  await until('it is ready', () => notifier.health().ready);
  // While the servers elect leaders a read may fail again.
  const pairs = readerLines().length / 2;
  expect(readerLines()).toEqual(Array(pairs).fill(['stream.read_failed', 'stream.read_restored']).flat());
  expect(pairs).toBeLessThan(MAX_PAIRS);
});
