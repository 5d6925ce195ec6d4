import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionOf } from '#libs/contract/partition.ts';
import { ClaimLostError, Claims } from '#libs/queue/claims.ts';
import { entryOf, writeEntry } from '#libs/queue/entry.ts';
import { callKeys, leaseKey } from '#libs/queue/keys.ts';
import { Replay } from '#libs/queue/replay.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf } from '#test/support/notifier/progress.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

const CLAIM_MS = 60_000;
const READER = 'a reader';

/** A call whose notifications, each with its own token, can be appended by the reader of its partition. */
async function callWith(count: number) {
  const redis = harness.client();
  const prefix = randomUUID();
  const claims = new Claims(redis, prefix, { dedupMs: CLAIM_MS, claimMs: CLAIM_MS });
  const call = randomUUID();
  const partition = partitionOf(call);
  await redis.set(leaseKey(prefix, partition), READER);
  const additions = callOf('http://endpoint/', count, call).map((progress, order) => {
    const entry = entryOf(progress, order, {});
    return { entry, text: writeEntry(entry), token: `token-${order}` };
  });
  const append = (from = 0, to = count) => claims.append(partition, READER, additions.slice(from, to));
  const claimed = (token: string) => claims.claimed(call, token, performance.now());
  return { redis, claims, prefix, call, partition, append, claimed, additions, keys: callKeys(prefix, call) };
}

test('idle -> claimed: the first notification claims the call, the next is behind it', async () => {
  const { redis, append, keys } = await callWith(2);
  expect(await append()).toEqual(['claimed', 'behind']);
  expect(await redis.get(keys.claim)).toBe('token-0');
});

test('idle -> waiting: without a token nothing is claimed', async () => {
  const { redis, claims, partition, additions, keys } = await callWith(2);
  const without = additions.map((addition) => ({ ...addition, token: '' }));
  expect(await claims.append(partition, READER, without)).toEqual(['waiting', 'waiting']);
  expect(await redis.exists(keys.claim)).toBe(0);
});

test('an append that is sent again after a lost response gives the claim again', async () => {
  const { append } = await callWith(2);
  await append();
  expect(await append()).toEqual(['claimed', 'repeat']);
});

test('a reader without the lease of the partition appends nothing', async () => {
  const { redis, claims, partition, additions, keys } = await callWith(1);
  await expect(claims.append(partition, 'another', additions)).rejects.toThrow('LEASELOST');
  expect(await redis.exists(keys.waiting, keys.seen, keys.claim)).toBe(0);
});

test('claimed -> claimed -> idle: settling renews the claim, the last one ends it', async () => {
  const { redis, claims, append, claimed, additions, keys } = await callWith(2);
  await append();
  const claim = claimed('token-0');
  await redis.pexpire(keys.claim, CLAIM_MS / 2);
  const [first, second] = additions;
  expect((await claims.settle(claim, first?.text ?? ''))?.text).toBe(second?.text);
  expect(await redis.pttl(keys.claim)).toBeGreaterThan(CLAIM_MS / 2);
  expect(await claims.settle(claim, second?.text ?? '')).toBeUndefined();
  expect(await redis.exists(keys.claim, keys.waiting)).toBe(0);
});

test('an entry that another program has put before the one that is settled stays', async () => {
  const { redis, claims, append, claimed, additions, keys } = await callWith(2);
  await append();
  await redis.lpush(keys.waiting, '{"id":"');
  const [first, second] = additions;
  expect((await claims.settle(claimed('token-0'), first?.text ?? ''))?.text).toBe('{"id":"');
  expect(await redis.lrange(keys.waiting, 0, -1)).toEqual(['{"id":"', second?.text]);
  expect((await claims.settle(claimed('token-0'), '{"id":"'))?.text).toBe(second?.text);
});

test('a corrupt entry that is gone is settled, and the first one stays', async () => {
  const { redis, claims, append, claimed, additions, keys } = await callWith(1);
  await append();
  for (const corrupt of ['', '{', '{"id":"'])
    expect((await claims.settle(claimed('token-0'), corrupt))?.text).toBe(additions[0]?.text);
  expect(await redis.llen(keys.waiting)).toBe(1);
});

test('a process that has lost the claim cannot settle or release it', async () => {
  const { redis, claims, append, claimed, additions, keys } = await callWith(1);
  await append();
  const [only] = additions;
  if (!only) throw new Error('no entry');
  const lost = claimed('lost');
  await expect(claims.settle(lost, only.text)).rejects.toThrow(ClaimLostError);
  expect(await claims.release(lost, only, 1)).toBe(false);
  expect(await redis.get(keys.claim)).toBe('token-0');
  expect(await redis.lrange(keys.waiting, 0, -1)).toEqual([only.text]);
});

test('claimed -> waiting -> claimed: a released call keeps its attempts for the retry job', async () => {
  const { claims, call, append, claimed, additions } = await callWith(2);
  await append();
  const [first, second] = additions;
  if (!first || !second) throw new Error('no entries');
  expect(await claims.release(claimed('token-0'), first, 3)).toBe(true);
  const again = await claims.claim(call, 'job');
  if (again.kind !== 'claimed') throw new Error(again.kind);
  expect(again.first.entry).toEqual({ ...first.entry, attempts: 3 });
  expect((await claims.settle(again.claim, again.first.text))?.entry).toEqual(second.entry);
});

test('a replay inserts before the first entry, unless the call is claimed: that entry may be in flight', async () => {
  const { redis, claims, prefix, call, append, claimed, additions, keys } = await callWith(3);
  await append(2);
  const replay = new Replay(redis, prefix);
  const [first, second, third] = additions;
  if (!first || !second || !third) throw new Error('no entries');
  await replay.insert(call, [second.entry]);
  expect(await redis.lrange(keys.waiting, 0, -1)).toEqual([third.text, second.text]);
  await claims.release(claimed('token-2'), third, 0);
  await replay.insert(call, [first.entry]);
  expect(await redis.lrange(keys.waiting, 0, -1)).toEqual([first.text, third.text, second.text]);
  await replay.close();
});

test('a claimed call is busy for its retry job, an idle one gives it nothing to do', async () => {
  const { redis, claims, call, append, keys } = await callWith(1);
  expect(await claims.claim(call, 'job')).toEqual({ kind: 'idle' });
  await append();
  expect(await claims.claim(call, 'job')).toEqual({ kind: 'busy', ms: expect.any(Number) });
  await redis.del(keys.claim);
  expect((await claims.claim(call, 'job')).kind).toBe('claimed');
  expect((await claims.claim(call, 'job')).kind, 'sent again').toBe('claimed');
});

test('expiry of a claim: the retry job finds everything that waits', async () => {
  const { redis, claims, call, append, additions, keys } = await callWith(2);
  await append();
  await redis.pexpire(keys.claim, 1);
  await until('the claim has expired', async () => (await redis.exists(keys.claim)) === 0);
  const claiming = await claims.claim(call, 'job');
  expect(claiming).toMatchObject({ kind: 'claimed', first: { text: additions[0]?.text } });
});

test.each([
  ['a corrupt text', () => Buffer.from([0x78, 0xff])],
  ['an entry', (text: string) => Buffer.from(text.replace('http:', 'h\xfctp:'), 'latin1')],
  ['an id', (text: string) => Buffer.from(text.replace('"id":"', '"id":"\xff'), 'latin1')],
])('%s that is not UTF-8 is settled', async (_, bytes) => {
  const { redis, claims, call, additions, keys } = await callWith(1);
  await redis.rpush(keys.waiting, bytes(additions[0]?.text ?? ''));
  const claiming = await claims.claim(call, 'token');
  if (claiming.kind !== 'claimed') throw new Error(claiming.kind);
  expect(await claims.settle(claiming.claim, claiming.first.text)).toBeUndefined();
  expect(await redis.exists(keys.claim, keys.waiting)).toBe(0);
});
