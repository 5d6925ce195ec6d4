import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { BUS, type ProgressEvent } from '#libs/contract/messages.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { OK, type Receiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startRedis } from '#test/support/servers/redis.ts';
import { until } from '#test/support/until.ts';

// The commands of docs/backup.md, with the folders and ports of the test.

const run = promisify(execFile);
const RETRY = { RETRY_SCHEDULE_MS: Array.from({ length: 32 }, () => '500').join(',') };

async function folders() {
  const top = await mkdtemp(join(tmpdir(), 'dialhook-backup-'));
  const [nats, redis, backup] = ['nats', 'redis', 'backup'].map((name) => join(top, name)) as [
    string,
    string,
    string,
  ];
  const make = () => Promise.all([nats, redis, backup].map((one) => mkdir(one, { recursive: true })));
  await make();
  return {
    ...{ nats, redis, backup },
    destroyServers: async () => {
      for (const one of [nats, redis]) await rm(one, { recursive: true, force: true });
      await make();
    },
    [Symbol.asyncDispose]: () => rm(top, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Sends SIGTERM, as systemd does, and waits until the server has written its data. */
async function stopServer(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await until('the server has ended', () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
}

const allAccepted = (endpoints: readonly Receiver[], all: readonly (readonly ProgressEvent[])[]) =>
  until('all that waited is delivered', () => {
    const accepted = new Set(endpoints.flatMap(({ accepted: one }) => one));
    return all.flat().every((one) => accepted.has(idsOf([one])[0] ?? ''));
  });

test('a copy of the folders of stopped servers, restored: what waited is delivered, in order and once', async () => {
  await using dir = await folders();
  const servers = { storeDir: dir.nats, durable: true, tcp: true, settings: { dir: dir.redis } };
  let isUp = false;
  await using endpoint = await startReceiver(() => (isUp ? OK : { status: 503 }));
  await using gone = await startReceiver(() => ({ status: 400 }));
  const calls = Array.from({ length: 10 }, () => callOf(endpoint.url, 6));
  const dead = callOf(gone.url, 2);
  let prefix = '';
  {
    await using harness = await NotifierHarness.start(servers);
    prefix = harness.prefix;
    {
      await using _ = await harness.notifier(RETRY);
      // In Redis: waiting lists, retry jobs and dead letters.
      await harness.publish([...interleaved(calls.map((call) => call.slice(0, 3))), ...dead]);
      await harness.allAcknowledged();
      await until('a dead letter each', async () => (await harness.deadLetters().count()) === dead.length);
    }
    // In JetStream: later notifications of the same calls.
    await harness.publish(interleaved(calls.map((call) => call.slice(3))));
    await Promise.all([harness.nats.pid, harness.redis.pid].map(stopServer));
    await cp(dir.nats, join(dir.backup, 'nats'), { recursive: true });
    await cp(dir.redis, join(dir.backup, 'redis'), { recursive: true });
  }
  await dir.destroyServers();
  await cp(join(dir.backup, 'nats'), dir.nats, { recursive: true });
  await cp(join(dir.backup, 'redis'), dir.redis, { recursive: true });

  await using restored = await NotifierHarness.start(servers);
  isUp = true;
  await using _ = await restored.notifier({ ...RETRY, QUEUE_PREFIX: prefix });
  await allAccepted([endpoint], calls);
  for (const call of calls) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
  expect(endpoint.accepted).toHaveLength(calls.flat().length);
  await restored.allAcknowledged();
  const letters = new DeadLetters(restored.client(), prefix);
  expect(await letters.count()).toBe(dead.length);
});

const nats = process.env['NATS_CLI'] ?? 'nats';
const hasNats = spawnSync(nats, ['--version']).status === 0;

test.skipIf(!hasNats)(
  'a backup of running servers, the stream first: all from before it is delivered in order',
  async () => {
    await using dir = await folders();
    let isUp = false;
    await using works = await startReceiver();
    await using recovers = await startReceiver(() => (isUp ? OK : { status: 503 }));
    const endpoints = [works, recovers];
    const calls = Array.from({ length: 10 }, (_, at) => callOf((endpoints[at % 2] ?? works).url, 20));
    const all = interleaved(calls);
    const before = calls.map((call) => call.slice(0, 10));
    const [rdb, snapshot] = [join(dir.backup, 'dump.rdb'), join(dir.backup, 'stream')];
    let prefix = '';
    {
      await using harness = await NotifierHarness.start({
        durable: true,
        tcp: true,
        settings: { 'repl-diskless-sync-delay': '0' },
      });
      prefix = harness.prefix;
      await using _ = await harness.notifier(RETRY);
      await harness.publish(all.slice(0, 100));
      const publishing = harness.publish(all.slice(100));
      await run(nats, ['-s', harness.nats.url, 'stream', 'backup', BUS.stream, snapshot, '--no-progress']);
      await run('redis-cli', ['-u', harness.redis.url, '--rdb', rdb]);
      await publishing;
    }
    const fresh = await startNats();
    await run(nats, ['-s', fresh.url, 'stream', 'restore', snapshot, '--no-progress']);
    const { storeDir } = fresh;
    await stopServer(fresh.pid);
    // With appendonly yes Redis would start empty: it reads dump.rdb only without an append-only file.
    await cp(rdb, join(dir.redis, 'dump.rdb'));
    const redis = await startRedis({ tcp: true, settings: { dir: dir.redis } });
    await run('redis-cli', ['-u', redis.url, 'config', 'set', 'appendonly', 'yes']);
    await until('the append-only file is complete', async () => {
      const { stdout } = await run('redis-cli', ['-u', redis.url, 'info', 'persistence']);
      return /aof_rewrite_in_progress:0/.test(stdout) && /aof_rewrites:1/.test(stdout);
    });
    await stopServer(redis.pid);

    const settings = { dir: dir.redis };
    await using restored = await NotifierHarness.start({ storeDir, durable: true, tcp: true, settings });
    isUp = true;
    await using _ = await restored.notifier({ ...RETRY, QUEUE_PREFIX: prefix });
    await allAccepted(endpoints, before);
    for (const [at, call] of before.entries())
      expect(ofCall(endpoints[at % 2]?.accepted ?? [], call)).toEqual(idsOf(call));
    await restored.allAcknowledged();
  },
);
