import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { type DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { entryOf, writeEntry } from '#libs/queue/entry.ts';
import {
  callKeys,
  deadLetterKeys,
  endpointKey,
  knownEndpointsKey,
  leaseKey,
  notifiersKey,
  pendingKey,
  retryPrefix,
} from '#libs/queue/keys.ts';
import { replay } from '#libs/queue/replay.ts';
import { systemClock } from '#services/notifier/clock.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, letterOf } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

const GOOD = 1_000;
/** No attempt fails because the machine is busy. */
const PATIENT = {
  NOTIFY_CONNECT_TIMEOUT_MS: '5000',
  NOTIFY_RESPONSE_TIMEOUT_MS: '10000',
  RETRY_SCHEDULE_MS: Array.from({ length: 30 }, () => '200').join(','),
};

const NOT_UTF8 = Buffer.from([0x78, 0xff]);

interface Poison {
  readonly delivered: readonly string[];
  /** Redis keys that the notifier must set aside. It meets those of dead letters with the next trim or status. */
  readonly keys?: readonly string[];
}

/** A thousand calls, and in their middle what `poison` does and publishes. */
async function amongAThousand(poison: (harness: NotifierHarness, url: string) => Promise<Poison>) {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  const { log, lines } = recordLog();
  const good = Array.from({ length: GOOD }, () => callOf(endpoint.url, 1)).flat();
  await harness.publish(good.slice(0, GOOD / 2));
  const { delivered, keys = [] } = await poison(harness, endpoint.url);
  await harness.publish(good.slice(GOOD / 2));
  await using notifier = await harness.notifier(PATIENT, systemClock, log);
  const wanted = new Set([...idsOf(good), ...delivered]);
  await until('all others are delivered', () => [...wanted].every((id) => endpoint.accepted.includes(id)));
  expect(new Set(endpoint.accepted)).toEqual(wanted);
  expect(endpoint.arrivals).toHaveLength(wanted.size);
  await harness.allAcknowledged();
  await until('the notifier is ready', () => notifier.health().ready);
  const setAside = () => lines.filter(({ event }) => event === 'entry.set_aside');
  await until('the keys are set aside', () => {
    const found = setAside().flatMap(({ key }) => (key === undefined ? [] : [key]));
    expect(found.toSorted()).toEqual(keys.toSorted());
  });
  const aside = setAside();
  const counted = Map.groupBy(aside, ({ entry }) => String(entry));
  return {
    aside: Object.fromEntries([...counted].map(([kind, all]) => [kind, all.length])),
    check: notifier.health().checks['entries'],
  };
}

it('a message that is invalid is removed from the stream', async () => {
  const { aside, check } = await amongAThousand(async (harness) => {
    const uuid = randomUUID();
    for (const text of ['', '{', 'null', `{"v":2,"uuid":"${uuid}"}`]) await harness.publishRaw(text, uuid);
    return { delivered: [] };
  });
  expect(aside).toEqual({ nats_message: 4 });
  expect(check).toMatch(/^4 of kind nats_message set aside/);
});

it('keys of the wrong type are set aside, and their calls are delivered', async () => {
  const { aside } = await amongAThousand(async (harness, url) => {
    const redis = harness.client();
    const { prefix } = harness;
    const calls = Array.from({ length: 3 }, () => callOf(url, 2));
    const [first, second, third] = calls.map((call) => call[0]?.notification.uuid ?? '');
    const { waiting } = callKeys(prefix, first ?? '');
    const { seen } = callKeys(prefix, second ?? '');
    const { claim } = callKeys(prefix, third ?? '');
    const lease = leaseKey(prefix, partitionOf(first ?? ''));
    const notifiers = notifiersKey(prefix);
    const { times } = deadLetterKeys(prefix);
    for (const key of [waiting, seen, notifiers, times]) await redis.set(key, 'x');
    for (const key of [claim, lease]) await redis.rpush(key, 'x');
    await harness.publish(calls.flat());
    return { delivered: idsOf(calls.flat()), keys: [waiting, seen, claim, lease, notifiers, times] };
  });
  expect(aside).toEqual({ redis_key: 6 });
});

it('a notification whose key another program rewrites without end becomes a dead letter', async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  const { log, lines } = recordLog();
  const call = callOf(endpoint.url, 1);
  const others = callOf(endpoint.url, 1);
  const { waiting } = callKeys(harness.prefix, call[0]?.notification.uuid ?? '');
  const foreign = harness.client();
  let isRewritten = true;
  const rewrite = async () => {
    while (isRewritten) {
      const batch = foreign.pipeline();
      for (let n = 0; n < 500; n++) batch.set(waiting, 'x');
      await batch.exec();
    }
  };
  const rewriting = [rewrite(), rewrite(), rewrite()];
  await harness.publish([...call, ...others]);
  await using _ = await harness.notifier(PATIENT, systemClock, log);
  const letters = new DeadLetters(harness.client(), harness.prefix);
  await until('it is a dead letter', async () => (await letters.count()) === 1);
  isRewritten = false;
  await Promise.all(rewriting);
  await harness.allAcknowledged();
  expect(await letters.byId(idsOf(call))).toMatchObject([{ reason: 'unprocessable' }]);
  expect(lines).toContainEqual(expect.objectContaining({ event: 'entry.set_aside', entry: 'notification' }));
  await replay(harness.client(), harness.prefix, {});
  await until('both calls are delivered', () => endpoint.accepted.length >= 2);
  expect(new Set(endpoint.accepted)).toEqual(new Set(idsOf([...call, ...others])));
});

it('a waiting list with corrupt entries is delivered without them', async () => {
  const { aside } = await amongAThousand(async (harness, url) => {
    const call = callOf(url, 3);
    const { waiting, seen } = callKeys(harness.prefix, call[0]?.notification.uuid ?? '');
    await harness.client().rpush(waiting, 'not json', '{}', '[]', '{"id":1,"at":"x"}', NOT_UTF8);
    await harness.client().hset(seen, 'leg.ring', 'soon');
    await harness.publish(call);
    return { delivered: idsOf(call) };
  });
  expect(aside).toEqual({ waiting_entry: 5 });
});

it('an entry that is not UTF-8 is delivered once', async () => {
  const { aside } = await amongAThousand(async (harness, url) => {
    const call = callOf(url, 3);
    const [first, ...others] = call as [ProgressEvent, ...ProgressEvent[]];
    const text = writeEntry(entryOf(first, 1, {}));
    const bytes = Buffer.from(text.replace('张三', 'G\xfcnther'), 'latin1');
    await harness.client().rpush(callKeys(harness.prefix, first.notification.uuid).waiting, bytes);
    await harness.publish(others);
    return { delivered: idsOf(call) };
  });
  expect(aside).toEqual({});
});

it('corrupt jobs are removed, and other calls that wait get theirs', async () => {
  await using harness = await NotifierHarness.start();
  let isUp = false;
  await using endpoint = await startReceiver(() => (isUp ? OK : { status: 500 }));
  const { log, lines } = recordLog();
  await using notifier = await harness.notifier(PATIENT, systemClock, log);
  const good = Array.from({ length: GOOD }, () => callOf(endpoint.url, 1)).flat();
  await harness.publish(good.slice(0, GOOD / 2));
  const redis = harness.client();
  const base = `${retryPrefix(harness.prefix)}:calls`;
  const corrupt: Record<string, Record<string, string>> = {
    'no-json': { name: 'call', data: '{', opts: '{}', timestamp: '1', delay: '0', priority: '0' },
    'no-call': { name: 'call', data: '{"call":7}', opts: '{}', timestamp: '1', delay: '0', priority: '0' },
    'no-opts': { name: 'call', data: '{"call":"x"}', opts: '{', timestamp: '1', delay: '0', priority: '0' },
  };
  for (const [id, fields] of Object.entries(corrupt)) {
    await redis.hset(`${base}:${id}`, fields);
    await redis.rpush(`${base}:wait`, id);
  }
  await redis.set(`${base}:a-string`, 'x');
  await redis.rpush(`${base}:wait`, 'a-string', 'missing', NOT_UTF8);
  await redis.zadd(`${base}:delayed`, 0, NOT_UTF8);
  await redis.zadd(`${base}:marker`, 0, '0');
  await redis.set(`${base}:id`, 'no number');
  const pending = pendingKey(harness.prefix, 0);
  await redis.sadd(pending, NOT_UTF8);
  await harness.publish(good.slice(GOOD / 2));
  isUp = true;
  await until('all are delivered', () => new Set(endpoint.accepted).size === GOOD);
  await harness.allAcknowledged();
  await until('no corrupt job is left', async () => {
    const left = [
      ...(await redis.lrange(`${base}:wait`, 0, -1)),
      ...(await redis.lrange(`${base}:active`, 0, -1)),
    ];
    return !left.some((id) => id in corrupt || ['a-string', 'missing', String(NOT_UTF8)].includes(id));
  });
  await until('no foreign call is left', async () => (await redis.sismember(pending, NOT_UTF8)) === 0);
  await until(() => notifier.health().ready);
  expect(
    lines.filter(({ event, entry }) => event === 'entry.set_aside' && entry === 'retry_job').length,
  ).toBeGreaterThanOrEqual(3);
});

it.each(['soon', '9007199254740993', '1e30', 'nan'])(
  'an endpoint throttled until %s gets its notifications',
  async (time) => {
    await amongAThousand(async (harness, url) => {
      const redis = harness.client();
      const { origin } = new URL(url);
      const known = knownEndpointsKey(harness.prefix);
      await redis.set(known, 'x');
      await redis.hset(endpointKey(harness.prefix, origin), {
        state: 'throttled',
        probe_from: time,
        failures: 'many',
      });
      return { delivered: [], keys: [known] };
    });
  },
);

it('a key of the wrong type that many commands meet at once stops none of them', async () => {
  await using harness = await NotifierHarness.start();
  const redis = harness.client();
  const endpoints = harness.endpoints();
  const policy = { attemptMs: 1_000, disableAfterMs: 60_000, forgetMs: 60_000 };
  await redis.rpush(endpointKey(harness.prefix, 'http://a'), 'x');
  const admitted = await Promise.all(Array.from({ length: 100 }, () => endpoints.admit('http://a', policy)));
  expect(new Set(admitted.map(({ kind }) => kind))).toEqual(new Set(['send']));
});

describe('dead letters', () => {
  /** A thousand dead letters, and among them some that cannot be read. */
  async function kept(harness: NotifierHarness, url: string) {
    const redis = harness.client();
    const letters = new DeadLetters(redis, harness.prefix);
    const begin = Date.now() - GOOD;
    const good = Array.from({ length: GOOD }, (_, n) => letterOf(url, begin + n));
    await Promise.all(good.map((letter) => letters.keep(letter)));
    const { letters: hash, times } = deadLetterKeys(harness.prefix);
    const [first] = good as [DeadLetter];
    const corrupt = ['', '{', 'null', JSON.stringify(first), JSON.stringify({ ...first, time: 1e300 })];
    for (const [n, text] of corrupt.entries()) {
      await redis.hset(hash, `bad-${n}`, text);
      await redis.zadd(times, n % 2 === 0 ? begin + GOOD / 2 : begin - 1, `bad-${n}`);
    }
    await redis.zadd(times, begin - 1, NOT_UTF8);
    // In another form than a notifier writes, and not UTF-8.
    const other = JSON.stringify(first, undefined, 1).replace('张三', 'G\xfcnther');
    await redis.hset(hash, first.id, Buffer.from(other, 'latin1'));
    return { letters, good, corrupt: [...corrupt.map((_, n) => `bad-${n}`), String(NOT_UTF8)] };
  }

  it('that cannot be read are trimmed with the others, and set aside', async () => {
    await using harness = await NotifierHarness.start();
    const { letters, corrupt } = await kept(harness, 'http://endpoint/');
    const aside: string[] = [];
    const trimmed = await letters.trim({ max: GOOD, maxAgeMs: 1 }, Date.now() + 2, (id) => aside.push(id));
    expect(trimmed).toBe(GOOD + corrupt.length);
    expect(await letters.count()).toBe(0);
    expect(aside.toSorted()).toEqual(corrupt);
  });

  it('that cannot be read are left out of a replay; the others are delivered once', async () => {
    await using harness = await NotifierHarness.start();
    await using endpoint = await startReceiver();
    const { good, corrupt, letters } = await kept(harness, endpoint.url);
    await using _ = await harness.notifier({ ...PATIENT });
    const { sent } = await replay(harness.client(), harness.prefix, {});
    expect(sent).toBe(GOOD);
    await until('all are delivered', () => endpoint.accepted.length >= GOOD);
    expect(endpoint.accepted.toSorted()).toEqual(good.map(({ id }) => id).toSorted());
    expect(await letters.count()).toBe(corrupt.length);
  });
});

it('foreign members and leases that do not end leave no partition without a reader', async () => {
  await amongAThousand(async (harness) => {
    const redis = harness.client();
    const { prefix } = harness;
    for (const score of ['0', '1e300', '+inf'])
      await redis.zadd(notifiersKey(prefix), score, `foreign-${score}`);
    for (const partition of [0, 5, 10]) await redis.set(leaseKey(prefix, partition), 'x', 'EX', 10 ** 9);
    await redis.set(leaseKey(prefix, 15), 'x');
    return { delivered: [] };
  });
});
