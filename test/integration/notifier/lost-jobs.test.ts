import { randomUUID } from 'node:crypto';
import type { Redis, RedisKey } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PARTITIONS, partitionOf } from '#libs/contract/partition.ts';
import { callKeys, checkedKey, pendingKey } from '#libs/queue/keys.ts';
import { repairKeys, repairRetryQueue } from '#libs/queue/repair.ts';
import { queueKey } from '#libs/queue/retry-jobs.ts';
import { openRetryQueue, wakeCallLater, wakeCalls } from '#libs/queue/retry-queue.ts';
import { systemClock } from '#services/notifier/clock.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';
import { OK, type Receiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

const CALLS = 20;
const SETTINGS = {
  QUEUE_CHECK_INTERVAL_MS: '1000',
  // Longer than a test: without its job no call is attempted again.
  RETRY_SCHEDULE_MS: '3600000',
};

type TestNotifier = Awaited<ReturnType<NotifierHarness['notifier']>>;

interface Given {
  readonly redis: Redis;
  readonly key: (name: string) => string;
}

async function keptByLostWorker({ redis, key }: Given): Promise<void> {
  for (const id of await redis.zrange(key('delayed'), 0, '-1'))
    await redis
      .multi()
      .zrem(key('delayed'), id)
      .lpush(key('active'), id)
      .set(`${key(id)}:lock`, 'x')
      .exec();
}

const DAMAGES: readonly (readonly [string, (given: Given) => Promise<unknown>])[] = [
  ['its delayed jobs', ({ redis, key }) => redis.del(key('delayed'))],
  ['its delayed jobs to a string', ({ redis, key }) => redis.set(key('delayed'), 'x')],
  [
    'its waiting jobs',
    async ({ redis, key }) => {
      const ids = await redis.zrange(key('delayed'), 0, '-1');
      // The jobs wait for a moment in which no worker takes them, and are gone.
      await redis
        .multi()
        .lpush(key('wait'), ...ids)
        .del(key('delayed'), key('wait'))
        .exec();
    },
  ],
  [
    'its active jobs',
    async ({ redis, key }) => {
      const ids = await redis.zrange(key('delayed'), 0, '-1');
      await redis
        .multi()
        .lpush(key('active'), ...ids)
        .del(key('delayed'), key('active'))
        .exec();
    },
  ],
  [
    'everything in it',
    async ({ redis, key }) => redis.del(...(await redis.keys(`${key('').replaceAll(/[{}]/g, '?')}*`))),
  ],
  [
    'the data of its jobs to those of another call',
    async ({ redis, key }) => {
      for (const id of await redis.zrange(key('delayed'), 0, '-1'))
        await redis.hset(key(id), 'data', '{"call":"another"}');
    },
  ],
  [
    'the times of its jobs to those that never come',
    async ({ redis, key }) => {
      for (const [at, id] of (await redis.zrange(key('delayed'), 0, '-1')).entries())
        await redis.zadd(key('delayed'), at % 2 === 0 ? '-inf' : '+inf', id);
    },
  ],
  ['its jobs to ones that a lost worker keeps', keptByLostWorker],
  [
    'its settings, which pause it',
    ({ redis, key }) =>
      redis.multi().hset(key('meta'), 'paused', '1', 'concurrency', '0').del(key('delayed')).exec(),
  ],
  [
    'its counter of ids, its settings and its events to text',
    ({ redis, key }) =>
      redis
        .multi()
        .set(key('id'), 'soon')
        .hset(key('meta'), 'opts.maxLenEvents', 'many', 'max', 'x')
        .del(key('events'), key('delayed'))
        .xadd(key('events'), '18446744073709551615-18446744073709551615', 'x', 'x')
        .exec(),
  ],
  [
    'the mark of the last check to one that stays for a month, and its delayed jobs',
    ({ redis, key }) =>
      redis
        .multi()
        .set(checkedKey(harness.prefix), 'x', 'PX', 30 * 86_400_000)
        .del(key('delayed'))
        .exec(),
  ],
  [
    'its counter of ids, and its jobs',
    ({ redis, key }) => redis.multi().set(key('id'), '1').del(key('delayed')).exec(),
  ],
];

let harness: NotifierHarness;
let redis: Redis;
beforeAll(async () => {
  harness = await NotifierHarness.start();
  redis = harness.client();
});
afterAll(() => harness[Symbol.asyncDispose]());

const key = (name: string) => queueKey(harness.prefix, name);

describe('another program changes the retry queue', () => {
  let isUp = false;
  let endpoint: Receiver;
  let notifier: TestNotifier;
  const { log, lines } = recordLog();
  beforeAll(async () => {
    endpoint = await startReceiver(() => (isUp ? OK : { status: 500 }));
    notifier = await harness.notifier(SETTINGS, systemClock, log);
  });
  afterAll(async () => {
    await notifier.stop();
    await endpoint[Symbol.asyncDispose]();
  });

  it.each(DAMAGES)('%s: every call is delivered', async (_, damage) => {
    isUp = false;
    // Jobs of a call that does not exist stay there.
    const delayed = () => redis.zcard(key('delayed'));
    const others = await redis.zrange(key('delayed'), 0, '-1');
    const calls = Array.from({ length: CALLS }, () => callOf(endpoint.url, 2));
    await harness.publish(calls.flat());
    await harness.allAcknowledged();
    await until('all calls are delayed', async () => (await delayed()) === others.length + CALLS);
    const before = lines.length;
    const jobs = (await redis.zrange(key('delayed'), 0, '-1')).filter((id) => !others.includes(id));
    isUp = true;
    await damage({ redis, key });
    const wanted = idsOf(calls.flat());
    await until('all are delivered', () => wanted.every((id) => endpoint.accepted.includes(id)));
    expect(endpoint.accepted).toHaveLength(new Set(endpoint.accepted).size);
    await until('it is ready', () => notifier.health().ready);
    // BullMQ itself gives a job without a lock to another worker.
    const isLost = damage !== keptByLostWorker;
    expect(lines.slice(before).some(({ event }) => event === 'queue.jobs_lost')).toBe(isLost);
    await until('nothing is pending', async () => (await redis.keys('*:pending')).length === 0);
    // A hash that no list names would stay permanently.
    await until('no data of a lost job is left', async () => {
      const kept = new Set(await redis.zrange(key('delayed'), 0, '-1'));
      const left = jobs.filter((id) => !kept.has(id)).map((id) => key(id));
      return (await redis.exists(...left, '-')) === 0;
    });
  });
});

it('keys of the one job of a call have the wrong type: the call and the others are delivered', async () => {
  await using endpoint = await startReceiver(({ time }) => (time > 1 ? OK : { status: 500 }));
  const { log, lines } = recordLog();
  const calls = Array.from({ length: CALLS }, () => callOf(endpoint.url, 2));
  const uuids = calls.map((call) => call[0]?.notification.uuid ?? '');
  for (const uuid of uuids.slice(0, 5)) await redis.rpush(key(`de:${uuid}`), 'x');
  for (const uuid of uuids.slice(5, 10)) await redis.set(key(`dn:${uuid}`), 'x');
  await using notifier = await harness.notifier({ QUEUE_CHECK_INTERVAL_MS: '1000' }, systemClock, log);
  await harness.publish(calls.flat());
  const wanted = new Set(idsOf(calls.flat()));
  await until('all are delivered', () => new Set(endpoint.accepted).size === wanted.size);
  await harness.allAcknowledged();
  await until('it is ready', () => notifier.health().ready);
  const keys = lines.filter(({ event, entry }) => event === 'entry.set_aside' && entry === 'redis_key');
  expect(keys.length).toBeGreaterThanOrEqual(5);
});

it('a job that is added while the queue is repaired keeps its data', async () => {
  const client = harness.client();
  await using queue = Object.assign(openRetryQueue(client, 'repair'), {
    [Symbol.asyncDispose]: async () => void (await queue.close()),
  });
  const call = randomUUID();
  await redis.sadd(pendingKey('repair', partitionOf(call)), call);
  await redis.rpush(callKeys('repair', call).waiting, 'x');
  const get = client.get.bind(client);
  // Right before the repair reads which job the call has.
  client.get = async (name: RedisKey) => {
    if (String(name).endsWith(`:de:${call}`)) await wakeCalls(queue, [call]);
    return get(name);
  };
  const repaired = { redis: client, prefix: 'repair', queue, onCorruptJob: () => {} };
  expect(await repairRetryQueue(repaired, false)).toMatchObject({ lost: 1 });
  const jobs = await redis.lrange(queueKey('repair', 'wait'), 0, -1);
  const data = await Promise.all(jobs.map((id) => redis.hget(queueKey('repair', id), 'data')));
  expect(data).toEqual(jobs.map(() => JSON.stringify({ call })));
  expect(jobs).toHaveLength(2);
});

it('ids that are given while the counter is repaired are new', async () => {
  const counter = queueKey('counter', 'id');
  const other = harness.client();
  for (let round = 0; round < 20; round++) {
    await redis.set(counter, 'no number');
    const ids: number[] = [];
    let isRepaired = false;
    const taking = Array.from({ length: 10 }, async () => {
      while (!isRepaired)
        await other.incr(counter).then(
          (id) => void ids.push(id),
          () => undefined,
        );
    });
    await repairKeys(redis, 'counter');
    isRepaired = true;
    await Promise.all(taking);
    ids.push(await redis.incr(counter));
    expect(Math.min(...ids)).toBeGreaterThan(1_000_000_000_000);
  }
});

it('a call without a job at one of two looks is not attempted: its job may be on the way', async () => {
  const prefix = `${harness.prefix}-looks`;
  const queue = openRetryQueue(redis, prefix);
  const wait = (call: string) =>
    redis
      .multi()
      .sadd(pendingKey(prefix, partitionOf(call)), call)
      .rpush(callKeys(prefix, call).waiting, 'x')
      .exec();
  // Not in the last partition: the first look has found it before its job is queued.
  const late =
    Array.from({ length: 9 }, (_, at) => `late-${at}`).find((call) => partitionOf(call) < PARTITIONS - 1) ??
    '';
  await Promise.all([wait('lost'), wait(late)]);
  let scans = 0;
  const sscanBuffer = async (...args: Parameters<Redis['sscanBuffer']>) => {
    scans++;
    if (scans === PARTITIONS) await wakeCallLater(queue, late, 3_600_000);
    if (scans === PARTITIONS + 1) await wait('new');
    return redis.sscanBuffer(...args);
  };
  const watched = new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = name === 'sscanBuffer' ? sscanBuffer : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { lost } = await repairRetryQueue({ redis: watched, prefix, queue, onCorruptJob: () => {} }, false);
  expect([lost, scans]).toEqual([1, 2 * PARTITIONS]);
  expect((await queue.getWaiting()).map(({ data }) => data)).toEqual([{ call: 'lost' }]);
  expect((await queue.getDelayed()).map(({ data }) => data)).toEqual([{ call: late }]);
  await queue.close();
});

it('an undamaged queue loses no call, and delayed calls keep their time', async () => {
  await using endpoint = await startReceiver(() => ({ status: 500 }));
  const { log, lines } = recordLog();
  await using notifier = await harness.notifier(SETTINGS, systemClock, log);
  await harness.publish(Array.from({ length: CALLS }, () => callOf(endpoint.url, 1)).flat());
  const checked = () => redis.pttl(checkedKey(harness.prefix));
  for (let checks = 0; checks < 2; checks++) {
    await until('a check is long ago', async () => (await checked()) < 0);
    await until('the queue is checked', async () => (await checked()) > 0);
  }
  expect(endpoint.arrivals).toHaveLength(CALLS);
  expect(lines.filter(({ event }) => event === 'queue.jobs_lost')).toEqual([]);
  await until('it is ready', () => notifier.health().ready);
});
