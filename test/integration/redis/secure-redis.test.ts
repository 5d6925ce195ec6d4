import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withRedis } from '#libs/queue/redis.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { type SecureRedis, startSecureRedis } from '#test/support/servers/secure-redis.ts';
import { until } from '#test/support/until.ts';

const run = promisify(execFile);
const CLI = join(import.meta.dirname, '../../../services/cli/main.ts');

let redis: SecureRedis;
let harness: NotifierHarness;
let dir: string;
beforeAll(async () => {
  [redis, harness] = await Promise.all([startSecureRedis(), NotifierHarness.start()]);
  dir = await mkdtemp(join(tmpdir(), 'dialhook-redis-test-'));
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const env = () => ({ ...redis.env, QUEUE_PREFIX: 'dialhook' });
const cli = async (...args: string[]) =>
  (await run(process.execPath, [CLI, ...args], { env: { ...process.env, ...env() } })).stdout;

describe('with TLS and no more rights than deploy/redis/users.acl gives', () => {
  it('everything that notifiers and operators do is done, and nothing of it refused', async () => {
    let gone = true;
    await using endpoint = await startReceiver(({ notification, time }) => {
      if (notification?.leg === 'leg-1' && time === 1)
        return { status: 503, headers: { 'retry-after': '1' } };
      if (notification?.leg === 'leg-2' && gone) return { status: 410 };
      return OK;
    });
    await using notifier = await harness.notifier({ ...env(), THROTTLE_FIRST_MS: '10' });
    const call = callOf(endpoint.url, 4);
    await harness.publish(call);
    await until('all but one are delivered', () => endpoint.accepted.length === 3);
    await until('it is ready', () => notifier.health().ready);
    const { origin } = new URL(endpoint.url);
    expect(await cli('dead-letters', 'list')).toContain('leg-2');
    gone = false;
    await cli('dead-letters', 'replay', '--all');
    await until('the dead letter is delivered', () => endpoint.accepted.length === 4);
    await cli('endpoints', 'disable', origin);
    expect(await cli('endpoints', 'list')).toContain(origin);
    await cli('endpoints', 'enable', origin);
    const admin = redis.admin();
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
    expect((await admin.keys('*')).filter((key) => !key.startsWith('{dialhook:'))).toEqual([]);
  });
});

describe('with user and password in settings of their own', () => {
  it('the notifier logs in, without percent-encoding', async () => {
    const { username, password, host } = new URL(redis.env.REDIS_URL);
    const separate = {
      ...env(),
      REDIS_URL: `rediss://${host}`,
      REDIS_USER: username,
      REDIS_PASSWORD: decodeURIComponent(password),
    };
    const whoAmI = (settings: Record<string, string>) =>
      withRedis(readNotifierConfig(settings), (client) => client.get('{dialhook:dead}:none'));
    expect(await whoAmI(separate)).toBeNull();
    await expect(whoAmI({ ...separate, REDIS_PASSWORD: 'wrong' })).rejects.toThrow(/WRONGPASS/);
  });
});

describe('a client with the notifier’s password', () => {
  it.each([
    ['read keys of others', ['GET', 'other']],
    ['write keys of others', ['SET', 'other', '1']],
    ['reach them by a script', ['EVAL', "return redis.call('GET', 'other')", '0']],
    ['copy keys out', ['COPY', '{dialhook:dead}:letters', 'other']],
    ['list all keys', ['KEYS', '*']],
    ['walk over all keys', ['SCAN', '0']],
    ['empty the database', ['FLUSHALL']],
    ['change the configuration', ['CONFIG', 'SET', 'dir', '/etc']],
    ['read it', ['CONFIG', 'GET', '*']],
    ['load a module', ['MODULE', 'LOAD', '/tmp/x.so']],
    ['load a function', ['FUNCTION', 'LIST']],
    ['make it a replica of another', ['REPLICAOF', '127.0.0.1', '1']],
    ['send keys elsewhere', ['MIGRATE', '127.0.0.1', '1', '{dialhook:dead}:letters', '0', '1']],
    ['see what others send', ['MONITOR']],
    ['listen to messages', ['SUBSCRIBE', 'x']],
    ['give itself rights', ['ACL', 'SETUSER', 'dialhook', 'allcommands']],
    ['end other connections', ['CLIENT', 'KILL', 'TYPE', 'normal']],
    ['save over files', ['BGSAVE']],
    ['end the server', ['SHUTDOWN']],
  ])('cannot %s', async (_, [command = '', ...args]) => {
    const { username, password } = new URL(redis.env.REDIS_URL);
    const client = redis.as(username, decodeURIComponent(password));
    await expect(client.call(command, ...args)).rejects.toThrow(
      /NOPERM|No permission|can't access|not allowed/i,
    );
  });
});

describe('a client without a password', () => {
  it('is not let in without a name, with a wrong password, or in the clear', async () => {
    await expect(redis.as('default', 'x').ping()).rejects.toThrow(/WRONGPASS|NOAUTH/);
    await expect(redis.as('dialhook', 'x').ping()).rejects.toThrow(/WRONGPASS|NOAUTH/);
    const plain = new Redis(redis.port, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    plain.on('error', () => {});
    await expect(plain.ping()).rejects.toThrow();
    plain.disconnect();
  });

  it('is not believed to be Redis with a certificate of another authority', async () => {
    const other = join(dir, 'other.pem');
    await writeFile(other, selfSigned('IP:127.0.0.1').cert);
    await using notifier = await harness.notifier({ ...env(), REDIS_TLS_CA_FILE: other });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(notifier.health().checks['redis']).toBe('not connected');
  });
});

it.each<[Record<string, string>, string]>([
  [{ REDIS_URL: 'redis://a', REDIS_TLS_CA_FILE: '/dev/null' }, 'need a REDIS_URL with rediss://'],
  [{ REDIS_URL: 'rediss://a', REDIS_TLS_CA_FILE: '/none' }, 'must name a readable file'],
  [{ REDIS_URL: 'rediss://a', REDIS_TLS_CERT_FILE: '/dev/null' }, 'must be set together'],
])('%j does not start', (settings, words) => {
  expect(() => readNotifierConfig(settings)).toThrow(words);
});
