import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { errorFields } from '#libs/telemetry/log.ts';
import { maskLine, maskNumber } from '#libs/telemetry/numbers.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { owned } from '#test/support/owned.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { PASSWORDS, type SecureNats, startSecureNats } from '#test/support/servers/secure-nats.ts';
import { type SecureRedis, startSecureRedis } from '#test/support/servers/secure-redis.ts';
import { type SimulatedCaseNode, simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { until } from '#test/support/until.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SIGNING_KEY = Buffer.from('marked-signing-key-marked-signing').toString('base64');
const ORIGIN_KEY = Buffer.from('marked-origins-key-marked-origins').toString('base64');
const IN_URL = ['marked-url-password', 'marked-query-key', 'marked-path-key'];
const NUMBERS = ['+8613812345678', '02187654321', '4001234567'];

let nats: SecureNats;
let redis: SecureRedis;
let one: SimulatedCaseNode;
let secrets: string[];
let traces: { readonly url: string; readonly texts: string[]; stop(): void };

/** Keeps what is exported to it, as text. */
async function startTraces() {
  const texts: string[] = [];
  const server = createServer(
    owned(async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      texts.push(Buffer.concat(chunks).toString('utf8'));
      response.setHeader('content-type', 'application/json').end('{}');
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    texts,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

beforeAll(async () => {
  [nats, redis, one, traces] = await Promise.all([
    startSecureNats(),
    startSecureRedis(),
    simulatedCaseNode(),
    startTraces(),
  ]);
  const redisPassword = new URL(redis.env.REDIS_URL).password;
  secrets = [
    ...Object.values(PASSWORDS),
    redisPassword,
    decodeURIComponent(redisPassword),
    one.eventSocket.password,
    SIGNING_KEY,
    ORIGIN_KEY,
    ...IN_URL,
    ...[IN_URL[0] ?? ''].map((password) => Buffer.from(`user:${password}`).toString('base64')),
  ];
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await one.stop();
  await nats[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  traces.stop();
});

const settings = (service: string): Record<string, string> => ({
  ...(service === 'setup' ? {} : nats.env(service as 'agent')),
  ...redis.env,
  QUEUE_PREFIX: 'dialhook',
  ENDPOINT_SIGNING_SECRETS: `whsec_${SIGNING_KEY} https://crm.example=whsec_${ORIGIN_KEY}`,
  LOG_LEVEL: 'trace',
});

/** The lines that hold one of these words. */
const holding = (lines: readonly string[], words: readonly string[]) =>
  lines.filter((line) => words.some((word) => line.includes(word)));

async function cluster(more: Record<string, string> = {}): Promise<TestCluster> {
  vi.stubEnv('NATS_URL', nats.url);
  vi.stubEnv('REDIS_URL', redis.env.REDIS_URL);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', traces.url);
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100');
  return startTestCluster(one, (service) => ({ ...settings(service), ...more }));
}

const linesOf = ({ log }: TestCluster) => log.map((line) => JSON.stringify(line));

function call(running: TestCluster, ctiBridge: string, number = NUMBERS[1] ?? '') {
  return one.call({
    caller: { number: NUMBERS[0] ?? '', name: 'A' },
    destination: number,
    ctiBridge,
    socket: running.socket,
    fallback: 'sofia/gateway/gw/999',
    callees: { [NUMBERS[2] ?? '']: { ringAt: 10, answerAt: 30 } },
    byeAt: 50,
  });
}

const marked = (url: string): string => {
  const { host } = new URL(url);
  return `http://user:${IN_URL[0]}@${host}/${IN_URL[2]}?key=${IN_URL[1]}`;
};

/** Calls that end well and in every way that says something of their URL. */
async function placeCalls(running: TestCluster): Promise<void> {
  const answers = [
    { body: JSON.stringify({ dial: { type: 'gateway', number: NUMBERS[2], gateway: 'gw' } }) },
    { body: JSON.stringify({ dial: { type: 'user', number: '1', user: NUMBERS[2] } }) },
    { status: 500, body: 'no' },
    { status: 302, body: '' },
    { body: 'no JSON' },
  ];
  const endpoint = running.endpoint(`/${IN_URL[2]}`);
  for (const answer of answers) {
    endpoint.answer = () => answer;
    await call(running, marked(endpoint.url));
  }
  expect(endpoint.requests.length).toBeGreaterThanOrEqual(answers.length);
  for (const host of ['127.0.0.1:1', 'no.such.host.invalid', '169.254.169.254'])
    await call(running, marked(`http://${host}/`));
  await call(running, `gopher://user:${IN_URL[0]}@x/${IN_URL[1]} 5 5 5 5`);
  await until(() => expect(endpoint.delivered.length).toBeGreaterThanOrEqual(7));
  await pause(1_000);
}

describe('secrets', () => {
  it('are in no line of log and no span, whatever becomes of calls', async () => {
    const running = await cluster();
    try {
      await placeCalls(running);
    } finally {
      await running.stop();
    }
    expect(running.log.some(({ event }) => event === 'call.decided')).toBe(true);
    expect(running.log.some(({ event }) => event === 'notification.delivered')).toBe(true);
    expect(traces.texts.join('')).toContain('http.response.status_code');
    expect(holding(linesOf(running), secrets)).toEqual([]);
    expect(holding(traces.texts, secrets)).toEqual([]);
  });

  /** A service by itself, until it ends or has written this: all that it writes. */
  async function output(service: string, env: Record<string, string>, until = /$^/): Promise<string[]> {
    const child = spawn(process.execPath, [`services/${service}/main.ts`], {
      cwd: ROOT,
      env: { ...process.env, ...settings(service), HEALTH_PORT: '0', SOCKET_PORT: '0', ...env },
    });
    const texts: string[] = [];
    const { promise: written, resolve } = Promise.withResolvers<void>();
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        texts.push(data.toString());
        if (until.test(texts.join(''))) resolve();
      });
    const closed = once(child, 'close');
    await Promise.race([closed, written]);
    child.kill('SIGTERM');
    await closed;
    return texts.join('').split('\n');
  }

  it.each([
    ['agent', /freeswitch\.disconnected/],
    ['router', /service\.started/],
    ['notifier', /WRONGPASS/],
  ])('that NATS, Redis and FreeSWITCH refuse: the %s', async (service, refused) => {
    const wrong = {
      NATS_PASSWORD: 'marked-wrong-nats',
      REDIS_URL: redis.env.REDIS_URL.replace(/:[^:]*@/, ':marked-wrong-redis@'),
      FREESWITCH_HOST: one.eventSocket.host,
      FREESWITCH_PORT: String(one.eventSocket.port),
      FREESWITCH_PASSWORD: 'marked-wrong-esl',
    };
    const lines = [
      ...(await output(service, wrong, /authorization violation/i)),
      ...(await output(
        service,
        { ...wrong, NATS_PASSWORD: settings(service)['NATS_PASSWORD'] ?? '' },
        refused,
      )),
    ];
    expect(holding(lines, [...secrets, 'marked-wrong'])).toEqual([]);
  });

  it.each([
    ['agent', { NATS_TOKEN: 'marked-x', FREESWITCH_USER: 'marked' }],
    ['router', { ENDPOINT_SIGNING_SECRETS: 'whsec_marked-x,marked-y' }],
    ['notifier', { REDIS_URL: 'http://u:marked-x@h', NATS_URL: 'http://u:marked-y@h' }],
    ['notifier', { NATS_PASSWORD: '', NATS_PASSWORD_FILE: '/marked-no-secret-but-a-path' }],
  ])('in a wrong configuration: the %s with %j', async (service, env) => {
    const lines = await output(service, env);
    expect(lines.length).toBeGreaterThan(0);
    expect(holding(lines, [...secrets, 'marked-x', 'marked-y'])).toEqual([]);
  });

  it('on the screen of npm start', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'dialhook-screen-'));
    const config = join(dir, 'nats.conf');
    await writeFile(
      config,
      `jetstream { store_dir: "${dir}/store" }\nauthorization { user: "u", password: "marked-screen-nats" }`,
    );
    const plain = await startNats({ config });
    const env = {
      ...redis.env,
      QUEUE_PREFIX: 'dialhook',
      NATS_URL: `nats://u:marked-screen-nats@127.0.0.1:${plain.port}`,
      ENDPOINT_SIGNING_SECRETS: `whsec_${SIGNING_KEY}`,
    };
    const child = spawn(process.execPath, ['deploy/local/main.ts', '--calls', '4'], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    const texts: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => texts.push(data.toString()));
    const [code] = await once(child, 'close');
    await plain.stop();
    await rm(dir, { recursive: true });
    expect([code, texts.join('')]).toEqual([0, expect.stringContaining('4 calls')]);
    expect(holding(texts, [...secrets, 'marked-screen'])).toEqual([]);
  });

  it('that hang on an error stay there', () => {
    const cause = Object.assign(new Error('inner'), { args: ['marked'] });
    const error = Object.assign(new Error('outer', { cause }), { code: 'E', command: { args: ['marked'] } });
    expect(JSON.stringify(errorFields(error))).not.toContain('marked');
    expect(errorFields(error)).toMatchObject({ message: 'outer', code: 'E', cause: { message: 'inner' } });
  });
});

describe('numbers of callers and called', () => {
  it('are in no line of log and no span with LOG_NUMBERS=masked', async () => {
    traces.texts.length = 0;
    const running = await cluster({ LOG_NUMBERS: 'masked' });
    try {
      await placeCalls(running);
    } finally {
      await running.stop();
    }
    const lines = linesOf(running);
    expect(lines.join('')).toContain('"from":"************78"');
    expect(traces.texts.join('')).toContain('*********21');
    expect(holding(lines, NUMBERS)).toEqual([]);
    expect(holding(traces.texts, NUMBERS)).toEqual([]);
  });

  it.each([
    ['', ''],
    ['1', '*'],
    ['12', '**'],
    ['123', '*23'],
    ['1001', '**01'],
  ])('%j is shown as %j', (number, shown) => {
    expect(maskNumber(number)).toBe(shown);
  });

  it('are masked in the words of an error too', () => {
    expect(maskLine({ error: 'not registered: 13812345678, 1001', ms: 1234567 })).toEqual({
      error: `not registered: ${'*'.repeat(15)}01`,
      ms: 1234567,
    });
  });
});
