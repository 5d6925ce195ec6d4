import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { leaseKey, notifiersKey } from '#libs/queue/keys.ts';
import { startNotifierProcess } from '#test/support/notifier/child.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { OK, type Receiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { startTcpName } from '#test/support/servers/tcp-name.ts';
import { until } from '#test/support/until.ts';

const TAKEOVER_MS = 2_000;
const SETTINGS = {
  TAKEOVER_MS: String(TAKEOVER_MS),
  NOTIFY_CONNECT_TIMEOUT_MS: '200',
  NOTIFY_RESPONSE_TIMEOUT_MS: '800',
};
const LEASES = Array.from({ length: PARTITIONS }, (_, partition) => partition);

const slowly = (ms: number) =>
  startReceiver(async () => {
    await sleep(ms);
    return OK;
  });

const calls = (endpoint: Receiver, count: number, each: number) =>
  Array.from({ length: count }, () => callOf(endpoint.url, each));

function expectAllInOrder(endpoint: Receiver, all: ReturnType<typeof calls>): void {
  for (const call of all) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
}

/** How many partitions each notifier reads, the most first; and how many are `free`. */
async function shares(harness: NotifierHarness): Promise<{ shares: number[]; free: number }> {
  const holders = await harness.client().mget(LEASES.map((partition) => leaseKey(harness.prefix, partition)));
  const byHolder = Map.groupBy(holders, (holder) => holder ?? '');
  const free = byHolder.get('')?.length ?? 0;
  byHolder.delete('');
  return { free, shares: [...byHolder.values()].map(({ length }) => length).sort((a, b) => b - a) };
}

const untilShares = (harness: NotifierHarness, expected: readonly number[]) =>
  until(async () => expect(await shares(harness)).toEqual({ shares: expected, free: 0 }));

test('partitions move under load again and again: nothing is lost, repeated or out of order', {
  timeout: 90_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await slowly(1);
  const all = calls(endpoint, 100, 40);
  const given = harness.env(SETTINGS);
  await using first = await startNotifierProcess(given);
  await using running = new AsyncDisposableStack();
  const messages = interleaved(all);
  const rounds = 4;
  const part = messages.length / (2 * rounds);
  for (let round = 0; round < rounds; round++) {
    const from = 2 * round * part;
    const [another] = await Promise.all([
      startNotifierProcess(given),
      harness.publish(messages.slice(from, from + part)),
    ]);
    running.use(another);
    await untilShares(harness, [8, 8]);
    const [code] = await Promise.all([
      another.stop(),
      harness.publish(messages.slice(from + part, from + 2 * part)),
    ]);
    expect(code).toBe(0);
    await untilShares(harness, [16]);
  }
  await until('all are delivered', () => new Set(endpoint.accepted).size === all.flat().length);
  expectAllInOrder(endpoint, all);
  expect(endpoint.arrivals).toHaveLength(all.flat().length);
  await harness.allAcknowledged();
  expect(await first.stop()).toBe(0);
});

test('three notifiers under load, one killed with -9, one frozen beyond its leases: all in order', {
  timeout: 90_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await slowly(3);
  const all = calls(endpoint, 60, 20);
  const concurrency = 16;
  const given = harness.env({ ...SETTINGS, NOTIFY_CONCURRENCY: String(concurrency) });
  await using _ = await startNotifierProcess(given);
  await using killed = await startNotifierProcess(given);
  await using frozen = await startNotifierProcess(given);
  await untilShares(harness, [6, 5, 5]);
  const publishing = harness.publish(interleaved(all));
  await until('some are delivered', () => endpoint.accepted.length > 100);
  await killed.kill();
  frozen.freeze();
  await sleep(2 * TAKEOVER_MS);
  frozen.thaw();
  await publishing;
  await until('all are delivered', () => new Set(endpoint.accepted).size === all.flat().length);
  expectAllInOrder(endpoint, all);
  const repeats = endpoint.arrivals.length - all.flat().length;
  console.info(`killed and frozen: of ${all.flat().length} notifications repeated: ${repeats}`);
  expect(repeats).toBeLessThanOrEqual(2 * concurrency);
  await harness.allAcknowledged();
  await untilShares(harness, [8, 8]);
});

/**
 * Watches until one notifier reads all partitions. @returns how many ticks each partition was without a lease in: a tick
 * begins with a new heartbeat.
 */
async function ticksWithoutLease(harness: NotifierHarness): Promise<number[]> {
  const redis = harness.client();
  const keys = LEASES.map((partition) => leaseKey(harness.prefix, partition));
  const ticks = LEASES.map(() => new Set<string>());
  await until('one notifier reads all', async () => {
    const newest = ['-1', '-1', 'WITHSCORES'] as const;
    const replies = await redis
      .multi()
      .mget(keys)
      .zrange(notifiersKey(harness.prefix), ...newest)
      .exec();
    const [holders, [, heartbeat = '']] = (replies ?? []).map(([, reply]) => reply) as [
      (string | null)[],
      string[],
    ];
    for (const [partition, holder] of holders.entries())
      if (holder === null) ticks[partition]?.add(heartbeat);
    return !holders.includes(null) && new Set(holders).size === 1;
  });
  return ticks.map(({ size }) => size);
}

test('after kill -9 the leases expire in time, and the next tick that finds none reads the partitions', {
  timeout: 60_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  const given = harness.env(SETTINGS);
  await using victim = await startNotifierProcess(given);
  await using _ = await startNotifierProcess(given);
  await untilShares(harness, [8, 8]);
  await victim.kill();
  const leftMs = await Promise.all(
    LEASES.map((partition) => harness.client().pttl(leaseKey(harness.prefix, partition))),
  );
  for (const ms of leftMs) expect(ms === -1 ? Infinity : ms).toBeLessThanOrEqual(TAKEOVER_MS);
  // One call for each partition, as good as certain.
  const all = calls(endpoint, 100, 1);
  const [ticks] = await Promise.all([ticksWithoutLease(harness), harness.publish(all.flat())]);
  // The one in which the lease expires, and the one that acquires it.
  expect(Math.max(...ticks)).toBeLessThanOrEqual(2);
  await until('all are delivered', () => endpoint.accepted.length === 100);
});

// Without load, so at once.
test.concurrent('notifiers read equal shares, also after one starts, stops or is killed', {
  timeout: 60_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  const given = harness.env(SETTINGS);
  await using one = await startNotifierProcess(given);
  await untilShares(harness, [16]);
  await using two = await startNotifierProcess(given);
  await untilShares(harness, [8, 8]);
  await using _ = await startNotifierProcess(given);
  await untilShares(harness, [6, 5, 5]);
  expect(await one.stop()).toBe(0);
  await untilShares(harness, [8, 8]);
  await two.kill();
  await untilShares(harness, [16]);
});

test.concurrent('a notifier that loses NATS gives its partitions to one that has it, and gets its share back', {
  timeout: 60_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  using proxy = await startTcpName(harness.nats.port);
  await using cut = await harness.notifier({ ...SETTINGS, NATS_URL: `nats://127.0.0.1:${proxy.port}` });
  await using well = await harness.notifier(SETTINGS);
  await untilShares(harness, [8, 8]);
  proxy.cut();
  await untilShares(harness, [16]);
  expect(cut.health().ready).toBe(false);
  await until('the other is ready', () => well.health().ready);
  const all = calls(endpoint, 20, 3);
  await harness.publish(interleaved(all));
  await until('all are delivered', () => endpoint.accepted.length === 60);
  expectAllInOrder(endpoint, all);
  proxy.restore();
  await untilShares(harness, [8, 8]);
  await until('it is ready again', () => cut.health().ready);
});

test.concurrent('a notifier whose NATS does not answer is not ready, and is ready when it answers again', {
  timeout: 60_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using notifier = await harness.notifier(SETTINGS);
  await until('it is ready', () => notifier.health().ready);
  harness.nats.pause();
  await until('it is not ready', () => !notifier.health().ready);
  harness.nats.resume();
  await until('it is ready again', () => notifier.health().ready);
});
