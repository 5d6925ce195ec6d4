import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Bus } from '#libs/bus/connection.ts';
import { readConfig } from '#libs/config/config.ts';
import { checkNatsSettings, commonSettings } from '#libs/config/settings.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { recordLog } from '#test/support/log.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { startSecureNats } from '#test/support/servers/secure-nats.ts';
import { until } from '#test/support/until.ts';

const PATIENT_MS = 5_000;
const log = createLog('test', { level: 'silent' });
const Settings = z.object(commonSettings).superRefine(checkNatsSettings);
const open: Lifecycle[] = [];
const servers: NatsServer[] = [];
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dialhook-login-'));
});
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.stop();
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(() => rm(dir, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

async function server(config: string, port?: number): Promise<NatsServer> {
  const started = await startNats({
    config: await file('nats.conf', config),
    ...(port === undefined ? {} : { port }),
  });
  servers.push(started);
  return started;
}

/** Logs in with these settings, for `waitMs` at most. */
async function login(env: Record<string, string>, words = log, waitMs = PATIENT_MS): Promise<Bus | 'not in'> {
  const lifecycle = new Lifecycle(words, PATIENT_MS);
  open.push(lifecycle);
  const gaveUp = new Promise<'not in'>((resolve) => setTimeout(resolve, waitMs, 'not in'));
  const bus = await Promise.race([Bus.connect(readConfig(Settings, env), 'test', lifecycle, words), gaveUp]);
  if (bus !== 'not in') await bus.nats.flush();
  return bus;
}

const isIn = async (env: Record<string, string>) => (await login(env, log, 1_000)) !== 'not in';

describe('NATS lets in', () => {
  it('a user with a password, by settings or in the URL', async () => {
    const { port } = await server('authorization { user: "a b", password: "p@ss/w:1" }');
    const NATS_URL = `nats://127.0.0.1:${port}`;
    expect(
      await isIn({ NATS_URL, NATS_USER: 'a b', NATS_PASSWORD_FILE: await file('pw', 'p@ss/w:1\n') }),
    ).toBe(true);
    expect(await isIn({ NATS_URL: `nats://a%20b:p%40ss%2Fw%3A1@127.0.0.1:${port}` })).toBe(true);
    expect(await isIn({ NATS_URL, NATS_USER: 'a b', NATS_PASSWORD: 'wrong' })).toBe(false);
    expect(await isIn({ NATS_URL })).toBe(false);
  });

  it('a token', async () => {
    const { port } = await server('authorization { token: "t0ken" }');
    const NATS_URL = `nats://127.0.0.1:${port}`;
    expect(await isIn({ NATS_URL, NATS_TOKEN: 't0ken' })).toBe(true);
    expect(await isIn({ NATS_URL: `nats://t0ken@127.0.0.1:${port}` })).toBe(true);
    expect(await isIn({ NATS_URL, NATS_TOKEN: 'other' })).toBe(false);
  });

  it('an NKEY, whose seed never leaves this machine', async () => {
    const [mine, other] = [nkeys.createUser(), nkeys.createUser()];
    const { port } = await server(`authorization { users: [{ nkey: ${mine.getPublicKey()} }] }`);
    const NATS_URL = `nats://127.0.0.1:${port}`;
    const seed = (pair: typeof mine) => new TextDecoder().decode(pair.getSeed());
    expect(await isIn({ NATS_URL, NATS_NKEY_SEED_FILE: await file('seed', seed(mine)) })).toBe(true);
    expect(await isIn({ NATS_URL, NATS_NKEY_SEED: seed(other) })).toBe(false);
  });

  it('a credentials file of an operator’s account', async () => {
    const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
    const encode = (value: object | Uint8Array) =>
      Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString('base64url');
    const jwt = (issuer: typeof user, subject: typeof user, nats: object) => {
      const iat = Math.floor(Date.now() / 1000);
      const claims = { jti: String(iat), iat, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats };
      const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`;
      return `${signed}.${encode(issuer.sign(new TextEncoder().encode(signed)))}`;
    };
    const limits = {
      subs: -1,
      conn: -1,
      data: -1,
      payload: -1,
      imports: -1,
      exports: -1,
      wildcards: true,
      leaf: -1,
    };
    const accountJwt = jwt(operator, account, { type: 'account', version: 2, limits });
    const userJwt = jwt(account, user, { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
    const { port } = await server(
      `operator: ${jwt(operator, operator, { type: 'operator', version: 2 })}
       resolver: MEMORY
       resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    );
    const seed = new TextDecoder().decode(user.getSeed());
    const NATS_CREDS_FILE = await file(
      'creds',
      `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    );
    expect(await isIn({ NATS_URL: `nats://127.0.0.1:${port}`, NATS_CREDS_FILE })).toBe(true);
  });

  it('with a client certificate, when the server requires one', async () => {
    const [ours, theirs, stranger] = [
      selfSigned('IP:127.0.0.1'),
      selfSigned('IP:127.0.0.1'),
      selfSigned('IP:1.1.1.1'),
    ];
    const ca = await file('ca.pem', theirs.cert);
    const [cert, key] = [await file('s.pem', theirs.cert), await file('s.key', theirs.key)];
    const clients = await file('clients.pem', ours.cert);
    const { port } = await server(
      `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${clients}", verify: true }`,
    );
    const NATS_URL = `tls://127.0.0.1:${port}`;
    const shown = async (who: typeof ours) => ({
      NATS_URL,
      NATS_TLS_CA_FILE: ca,
      NATS_TLS_CERT_FILE: await file(`${who === ours ? 'o' : 'x'}.pem`, who.cert),
      NATS_TLS_KEY_FILE: await file(`${who === ours ? 'o' : 'x'}.key`, who.key),
    });
    expect(await isIn(await shown(ours))).toBe(true);
    expect(await isIn(await shown(stranger))).toBe(false);
    expect(await isIn({ NATS_URL, NATS_TLS_CA_FILE: ca })).toBe(false);
  });
});

describe('a man in the middle between a service and NATS', () => {
  /** A NATS server without TLS, like an attacker that strips it. */
  async function startStripper() {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => heard.push(data.toString('latin1')));
      socket.write(
        `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.10', proto: 1, headers: true, max_payload: 1024 })}\r\n`,
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { heard, port: (server.address() as AddressInfo).port, stop: () => server.close() };
  }

  it('hears no password by offering no TLS', async () => {
    const stripper = await startStripper();
    const ca = await file('any.pem', selfSigned('IP:127.0.0.1').cert);
    const password = { NATS_USER: 'u', NATS_PASSWORD: 'hush' };
    expect(await isIn({ NATS_URL: `tls://127.0.0.1:${stripper.port}`, ...password })).toBe(false);
    expect(
      await isIn({ NATS_URL: `nats://127.0.0.1:${stripper.port}`, NATS_TLS_CA_FILE: ca, ...password }),
    ).toBe(false);
    stripper.stop();
    expect(stripper.heard.join('')).not.toContain('CONNECT');
    expect(stripper.heard.join('')).not.toContain('hush');
  });

  it('is not believed with a certificate of another authority, or for another address', async () => {
    await using nats = await startSecureNats();
    const env = nats.env('agent');
    expect(await isIn(env)).toBe(true);
    expect(
      await isIn({ ...env, NATS_TLS_CA_FILE: await file('o.pem', selfSigned('IP:127.0.0.1').cert) }),
    ).toBe(false);
    const elsewhere = selfSigned('IP:10.9.8.7');
    const [cert, key] = [await file('e.pem', elsewhere.cert), await file('e.key', elsewhere.key)];
    const { port } = await server(`tls { cert_file: "${cert}", key_file: "${key}" }`);
    expect(await isIn({ NATS_URL: `tls://127.0.0.1:${port}`, NATS_TLS_CA_FILE: cert })).toBe(false);
  });
});

describe('when the password changes', () => {
  it('a service that is refused says so, and is in when its password is right again', async () => {
    const right = 'authorization { user: u, password: "right" }';
    const first = await server(right);
    const env = { NATS_URL: `nats://127.0.0.1:${first.port}`, NATS_USER: 'u', NATS_PASSWORD: 'right' };
    const bus = await login(env);
    if (bus === 'not in') throw new Error('not in');
    await first.stop();
    const second = await server('authorization { user: u, password: "other" }', first.port);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(bus.connected).toBe(false);
    expect(bus.nats.isClosed()).toBe(false);
    await second.stop();
    await server(right, first.port);
    await until(() => expect(bus.connected).toBe(true));
  });

  it('a service whose first login is refused retries', async () => {
    const { log, lines } = recordLog();
    const first = await server('authorization { user: u, password: "other" }');
    const bus = login(
      { NATS_URL: `nats://127.0.0.1:${first.port}`, NATS_USER: 'u', NATS_PASSWORD: 'right' },
      log,
      15_000,
    );
    await until(() => expect(JSON.stringify(lines)).toMatch(/authorization violation/i));
    expect(JSON.stringify(lines)).not.toContain('right');
    await first.stop();
    await server('authorization { user: u, password: "right" }', first.port);
    expect(await bus).not.toBe('not in');
  });
});

it.each<[Record<string, string>, string]>([
  [{ NATS_USER: 'u' }, 'NATS_USER and NATS_PASSWORD must be set together'],
  [{ NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_TOKEN: 't' }, 'only one may be set'],
  [{ NATS_URL: 'nats://u:p@a', NATS_TOKEN: 't' }, 'only one may be set'],
  [{ NATS_CREDS_FILE: '/none' }, 'NATS_CREDS_FILE must name a readable file'],
  [{ NATS_TLS_CERT_FILE: '/dev/null' }, 'NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE must be set together'],
])('%j does not start', (env, words) => {
  expect(() => readConfig(Settings, env)).toThrow(words);
});

it('a service survives a server that resets connections during the upgrade to TLS', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    const info = { server_id: 'x', version: '2.10.0', max_payload: 1024, tls_required: true };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    setTimeout(() => socket.resetAndDestroy(), 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { cert, key } = selfSigned('IP:127.0.0.1');
  const { log: words, lines } = recordLog();
  const trying = login(
    {
      NATS_URL: `tls://127.0.0.1:${port}`,
      NATS_TLS_CA_FILE: await file('ca.pem', cert),
      NATS_TLS_CERT_FILE: await file('c.pem', cert),
      NATS_TLS_KEY_FILE: await file('c.key', key),
    },
    words,
    2_000,
  );
  await until('three connections were reset', () => connections >= 3);
  expect(await trying).toBe('not in');
  expect(lines).toContainEqual(expect.objectContaining({ event: 'nats.connect_failed' }));
  server.close();
});
