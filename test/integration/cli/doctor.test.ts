import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import type { Finding } from '#services/cli/doctor/finding.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { quietLog } from '#test/support/log.ts';
import { freePort } from '#test/support/ports.ts';
import { http, selfSigned, startEndpoint } from '#test/support/router/endpoints.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startNatsCluster } from '#test/support/servers/nats-cluster.ts';
import { startRedis } from '#test/support/servers/redis.ts';
import { startRedisCluster } from '#test/support/servers/redis-cluster.ts';
import { PASSWORDS, startSecureNats } from '#test/support/servers/secure-nats.ts';
import { until } from '#test/support/until.ts';

interface Report {
  readonly ok: boolean;
  readonly errors: number;
  readonly findings: readonly (Finding & { readonly area: string })[];
}

/** The findings of one area by check: level and what was found. */
async function findings(area: string, env: NodeJS.ProcessEnv, ...args: string[]) {
  const { json, code, out } = await runDialhook(['doctor', '--json', '--only', area, ...args], { env });
  const report = json() as Report;
  expect(report.findings.every((one) => one.area === area)).toBe(true);
  expect(code).toBe(report.ok ? 0 : 1);
  expect(report.ok).toBe(report.findings.every(({ level }) => level !== 'error'));
  const found = Object.fromEntries(
    report.findings.map(({ check, level, found: text }) => [check, `${level}: ${text}`]),
  );
  return { found, out };
}

describe('NATS', () => {
  test('a single server without JetStream, and one with it', async () => {
    await using dir = await temporaryFolder();
    const config = join(dir.path, 'nats.conf');
    await writeFile(config, '');
    const without = await startNats({ config });
    const { found } = await findings('nats', { NATS_URL: without.url });
    await without.stop();
    expect(found).toMatchObject({
      cluster: 'ok: a single server',
      JetStream: expect.stringMatching(/^error/),
    });

    const server = await startNats();
    const withJetStream = await findings('nats', {
      NATS_URL: server.url,
      PROGRESS_REPLICAS: '3',
      LIMITS_REPLICAS: '5',
    });
    await server.stop();
    expect(withJetStream.found).toMatchObject({
      JetStream: 'ok: answers',
      DIALHOOK_PROGRESS: 'error: cannot be created with 3 replicas on 1 server',
      DIALHOOK_LIVE: 'ok: does not exist yet: a service creates it at its start',
      DIALHOOK_LIMITS: 'error: cannot be created with 5 replicas on 1 server',
    });
  });

  test('a cluster whose servers ping every 3 s, and one with the default of 2 min', {
    timeout: 60_000,
  }, async () => {
    await using frequent = await startNatsCluster({ jetstream: true, pingInterval: '3s' });
    const good = await findings('nats', { NATS_URL: frequent.url });
    expect(good.found['ping_interval']).toBe('ok: a silent client is pinged within 8 s');
    await using cluster = await startNatsCluster({ jetstream: true });
    for (const server of cluster.url.split(',')) {
      const client = await connect({ servers: server });
      await until('the server knows the others', () => client.info?.connect_urls?.length === 3);
      await client.close();
    }
    const { found } = await findings('nats', { NATS_URL: cluster.url });
    expect(found['cluster']).toBe('ok: c, 3 servers announced');
    expect(found['ping_interval']).toMatch(/^warning: no ping within 8 s/);
  });

  test('the users of deploy/nats/nats.conf see their own streams, and no password is printed', async () => {
    await using nats = await startSecureNats();
    const { found } = await findings('nats', nats.env('agent'));
    expect(found).toMatchObject({
      DIALHOOK_LIVE: 'ok: 1 replica, leader this server',
      DIALHOOK_LIMITS: 'ok: 1 replica, leader this server',
      DIALHOOK_PROGRESS: 'ok: not checked: this NATS user may not ask for it',
    });
    const notifier = await findings('nats', nats.env('notifier'), '--as', 'notifier');
    expect(notifier.found).toMatchObject({
      DIALHOOK_PROGRESS: 'ok: 1 replica, leader this server',
      DIALHOOK_LIVE: 'ok: not checked: this NATS user may not ask for it',
    });
    const wrong = await findings('nats', { ...nats.env('agent'), NATS_PASSWORD: 'wrong-password' });
    expect(wrong.found['connection']).toMatch(/^error: .*authorization/i);
    for (const { out } of [notifier, wrong])
      for (const secret of [...Object.values(PASSWORDS), 'wrong-password']) expect(out).not.toContain(secret);
  });

  test('subjects to which the agents may not publish, without an effect on streams', async () => {
    await using nats = await startSecureNats();
    const allowed = await findings('nats', nats.env('agent'));
    expect(allowed.found['publish']).toMatch(/^ok: .* allowed/);
    const lifecycle = new Lifecycle(quietLog, 1_000);
    const setup = await Bus.connect(nats.config('setup'), 'setup', lifecycle, quietLog);
    const manager = await jetstreamManager(setup.nats);
    const lastSequences = await Promise.all(
      ['DIALHOOK_PROGRESS', 'DIALHOOK_LIVE', 'DIALHOOK_LIMITS'].map(
        async (stream) => (await manager.streams.info(stream)).state.last_seq,
      ),
    );
    await lifecycle.stop();
    expect(lastSequences).toEqual([0, 0, 0]);
    const without = (text: string) => text.replaceAll(/"dialhook\.(?:live\.\*\.\*|abandon)"\n/g, '');
    await using strict = await startSecureNats(without);
    const { found } = await findings('nats', strict.env('agent'));
    expect(found['publish']).toMatch(/^error: refused: dialhook\.live\.doctor\.[\w-]+, dialhook\.abandon$/);
    const router = await findings('nats', strict.env('router'), '--as', 'router');
    expect(router.found).not.toHaveProperty('publish');
  });

  it('is an error when no server answers', async () => {
    const { found } = await findings('nats', { NATS_URL: `nats://127.0.0.1:${await freePort()}` });
    expect(found['connection']).toMatch(/^error/);
  });
});

describe('Redis', () => {
  test('a primary that stores everything, and its replica', async () => {
    const primary = await startRedis({
      tcp: true,
      durable: true,
      settings: { 'repl-diskless-sync-delay': '0' },
    });
    const replica = await startRedis({ tcp: true });
    const client = new Redis(replica.url);
    await client.replicaof('127.0.0.1', Number(new URL(primary.url).port));
    await until('it is in sync', async () =>
      (await client.info('replication')).includes('master_link_status:up'),
    );
    const one = await findings('redis', { REDIS_URL: primary.url, REDIS_WAIT_REPLICAS: '1' });
    const two = await findings('redis', { REDIS_URL: replica.url });
    client.disconnect();
    await Promise.all([primary.stop(), replica.stop()]);
    expect(one.found).toMatchObject({
      role: 'ok: primary with 1 replica',
      persistence: 'ok: append-only file',
      eviction: 'ok: noeviction',
    });
    expect(two.found['role']).toMatch(/^error: a replica of 127.0.0.1/);
  });

  test('one that evicts keys and stores nothing', async () => {
    const server = await startRedis({ tcp: true, settings: { 'maxmemory-policy': 'allkeys-lru' } });
    const { found } = await findings('redis', { REDIS_URL: server.url });
    await server.stop();
    expect(found).toMatchObject({
      eviction: 'error: allkeys-lru',
      persistence: 'warning: no append-only file',
    });
  });

  test('a Redis Cluster, with the right REDIS_MODE and with the wrong one', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster();
    const right = await findings('redis', { REDIS_URL: cluster.url, REDIS_MODE: 'cluster' });
    const [url = ''] = cluster.url.split(',');
    const wrong = await findings('redis', { REDIS_URL: url });
    await cluster.stop();
    expect(right.found['role']).toMatch(/^ok: 127.0.0.1:\d+: primary/);
    expect(wrong.found['role']).toBe('error: a node of a Redis Cluster, and REDIS_MODE is standalone');
  });

  test('a wrong password, which is not printed', async () => {
    const server = await startRedis({ tcp: true, settings: { requirepass: 'right-password' } });
    const url = new URL(server.url);
    const { found, out } = await findings('redis', { REDIS_URL: `redis://:wrong-password@${url.host}` });
    await server.stop();
    expect(found['connection']).toMatch(/^error: .*WRONGPASS/);
    expect(out).not.toContain('wrong-password');
  });
});

describe('endpoints', () => {
  const { key, cert } = selfSigned('DNS:localhost');

  test('a certificate of an authority that is trusted or not, and that expires soon', async () => {
    await using endpoint = await startEndpoint(() => {}, { key, cert });
    await using dir = await temporaryFolder();
    const url = `https://localhost:${new URL(endpoint.url).port}/calls?key=geheim`;
    const ca = join(dir.path, 'ca.pem');
    await writeFile(ca, cert);
    const unknown = await findings('endpoint', {}, '--endpoint', url);
    expect(unknown.found['certificate']).toMatch(/^error: https:\/\/localhost:\d+\/calls: .*SELF_SIGNED/);
    expect(unknown.out).not.toContain('geheim');
    const trusted = await findings('endpoint', { ENDPOINT_CA_FILE: ca, DEFAULT_ENDPOINT_URL: url });
    expect(trusted.found['certificate']).toMatch(/^warning: .*: expires in 0 days/);
    expect(trusted.found['latency']).toMatch(/ms to connect$/);
    expect(endpoint.received).toEqual([]);
  });

  test('one that is refused by the address rules, has no address or refuses connections', async () => {
    const at = async (url: string, env = {}) => (await findings('endpoint', env, '--endpoint', url)).found;
    expect(await at('http://169.254.169.254/')).toMatchObject({ address: expect.stringMatching(/^error/) });
    expect(await at('http://no-such-host.invalid/')).toMatchObject({ DNS: expect.stringMatching(/^error/) });
    const rules = { ENDPOINT_PRIVATE_NETWORKS: 'refuse' };
    expect(await at('http://localhost/', rules)).toMatchObject({
      address: expect.stringMatching(/^error: .*its address is private/),
    });
    const port = await freePort();
    expect(await at(`http://localhost:${port}/`)).toMatchObject({
      connection: expect.stringMatching(/^error: .*ECONNREFUSED/),
    });
    expect(await at(`http://127.0.0.1:${port}/`)).toMatchObject({
      connection: expect.stringMatching(/^error: .*ECONNREFUSED/),
    });
  });

  test('plain HTTP', async () => {
    await using endpoint = await startEndpoint(({ socket }) => void socket.write(http('200 OK', '')));
    const { found } = await findings('endpoint', {}, '--endpoint', endpoint.url);
    expect(Object.keys(found)).toEqual(['DNS', 'latency']);
  });
});

describe('the login to FreeSWITCH', () => {
  let node: SimulatedFreeSwitch;
  beforeAll(async () => {
    node = await SimulatedFreeSwitch.start({ name: 'fs1', password: 'right-password' });
  });
  afterAll(() => node.stop());
  const env = (more: NodeJS.ProcessEnv) => ({ FREESWITCH_PORT: String(node.port), ...more });

  test('with a wrong password, which is not printed', async () => {
    const { found, out } = await findings('freeswitch', env({ FREESWITCH_PASSWORD: 'wrong-password' }));
    expect(found).toEqual({ 'event socket': 'error: FreeSWITCH refused the login' });
    expect(out).not.toContain('wrong-password');
  });

  test('with the right password', async () => {
    const { found } = await findings('freeswitch', env({ FREESWITCH_PASSWORD: 'right-password' }));
    expect(found['permissions']).toBe('ok: show, uuid_exists, switchname, uptime');
  });

  test('where nothing listens', async () => {
    const { found } = await findings('freeswitch', { FREESWITCH_PORT: String(await freePort()) });
    expect(found['event socket']).toMatch(/^error: .*ECONNREFUSED/);
  });
});

describe('the host', () => {
  test('an agent that listens, and one that does not', async () => {
    const [open, closed] = [await freePort(), await freePort()];
    const agent = createServer((socket) => socket.destroy()).listen(open, '127.0.0.1');
    const hosts = `127.0.0.1:${open}|127.0.0.1:${closed}`;
    const { json } = await runDialhook(['doctor', '--json', '--only', 'host', '--socket', hosts]);
    agent.close();
    const report = json() as Report;
    expect(report.findings.map(({ check, level }) => `${check}: ${level}`)).toEqual([
      'socket: ok',
      'socket: error',
      'agents: ok',
    ]);
  });
});

describe('the address of an agent', () => {
  it.each([
    ['SOCKET_HOST', '0.0.0.0', '127.0.0.1'],
    ['SOCKET_HOST', '::', '[::1]'],
    ['SOCKET_HOST', '::1', '[::1]'],
    ['--socket', '[::1]', '[::1]'],
    ['--socket', '::1', '[::1]'],
    ['--socket', '::', '[::1]'],
    ['--socket', '0.0.0.0', '127.0.0.1'],
  ])('%s %s is %s of this host', async (by, host, expected) => {
    const port = await freePort();
    const agent = createServer((socket) => socket.destroy()).listen(port, expected.replaceAll(/[[\]]/g, ''));
    const env = by === 'SOCKET_HOST' ? { SOCKET_HOST: host, SOCKET_PORT: String(port) } : {};
    const args = by === '--socket' ? ['--socket', `${host}:${port}`] : [];
    const { found } = await findings('host', env, ...args);
    agent.close();
    expect(found).toMatchObject({
      socket: `ok: ${expected}:${port} accepts connections`,
      agents: expect.stringMatching(/^ok/),
    });
  });
});

describe('wrong usage', () => {
  it.each([
    [['--only', 'sip'], '--only must be one of'],
    [['--as', 'me'], '--as must be one of'],
    [['--socket', '10.0.0.5'], '--socket must be HOST:PORT|HOST:PORT or IPV6:PORT'],
    [['--socket', '1:2:8084'], '--socket must be HOST:PORT|HOST:PORT or IPV6:PORT'],
    [['--endpoint', 'crm.example'], '--endpoint must be a URL'],
    [['now'], 'doctor takes no arguments'],
  ])('%j', async (args, words) => {
    const { code, err } = await runDialhook(['doctor', ...args]);
    expect(code).toBe(64);
    expect(err).toContain(words);
  });

  it('an invalid setting is named', async () => {
    const { code, err } = await runDialhook(['doctor'], { env: { REDIS_MODE: 'cluster!' } });
    expect(code).toBe(78);
    expect(err).toContain('REDIS_MODE must be');
  });
});

test('the table has a line for each finding and its remedy, and the totals', async () => {
  const port = await freePort();
  const { out, code } = await runDialhook(['doctor', '--only', 'freeswitch'], {
    env: { FREESWITCH_PORT: String(port) },
  });
  expect(code).toBe(1);
  expect(out.split('\n')).toEqual([
    expect.stringMatching(/^freeswitch +event socket +error +connect ECONNREFUSED/),
    expect.stringMatching(/^ {2}Remedy: start FreeSWITCH/),
    '',
    '1 error, 0 warnings',
  ]);
});

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'dialhook-doctor-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
