import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { AgentSettings, readAgentConfig } from '#services/agent/config.ts';
import { ConsoleSettings, readConsoleConfig } from '#services/console/config.ts';
import { NotifierSettings, readNotifierConfig } from '#services/notifier/config.ts';
import { RouterSettings, readRouterConfig } from '#services/router/config.ts';
import { environment, ROOT, readDockerfile } from '#test/e2e/helm/image.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { startEndpoint } from '#test/support/router/endpoints.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startRedis } from '#test/support/servers/redis.ts';

const SERVICES = [
  ['agent', AgentSettings, readAgentConfig],
  ['router', RouterSettings, readRouterConfig],
  ['notifier', NotifierSettings, readNotifierConfig],
  ['console', ConsoleSettings, readConsoleConfig],
] as const;
/** With every kind of quote that environment files treat differently, except ' . */
const PASSWORD = 'hush # "$HOME\\n`';

let folder: string;
beforeEach(async () => {
  const own = await mkdtemp(join(tmpdir(), 'dialhook-init-'));
  folder = own;
  return () => rm(own, { recursive: true });
});

const read = (name: string) => readFile(join(folder, name), 'utf8');
const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
const settingsOf = async (...names: string[]) =>
  Object.assign({}, ...(await Promise.all(names.map(async (name) => parseEnv(await read(name)))))) as Record<
    string,
    string
  >;

/** Runs `dialhook init` as a process whose standard input is not a terminal. */
async function init(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['services/cli/main.ts', 'init', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

/** The same within this process, without questions and doctor. */
const write = (target: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  runDialhook(['init', '--for', target, '--dir', folder, '--yes', '--skip-doctor', ...args], {
    env: { FREESWITCH_PASSWORD: PASSWORD, ...env },
  });

/** That every service has only settings that it knows, and accepts them. @returns the parsed settings of the agent */
async function acceptedBy(settings: (service: string) => Promise<Record<string, string>>) {
  for (const [service, { shape }, readConfig] of SERVICES) {
    const given = await settings(service);
    expect(Object.keys(given).filter((name) => !Object.hasOwn(shape, name))).toEqual([]);
    readConfig(given);
  }
  return readAgentConfig(await settings('agent'));
}

describe('for systemd', () => {
  let freeswitch: SimulatedFreeSwitch;
  beforeAll(async () => {
    freeswitch = await SimulatedFreeSwitch.start({ name: 'fs1', password: PASSWORD });
  });
  afterAll(() => freeswitch.stop());

  it('writes files that the services accept, and checks the servers that they name', async () => {
    const nats = await startNats();
    const redis = await startRedis({
      tcp: true,
      durable: true,
      settings: { 'maxmemory-policy': 'noeviction' },
    });
    await using endpoint = await startEndpoint(() => {});
    const args = ['--for', 'systemd', '--dir', folder, '--freeswitch-port', String(freeswitch.port)];
    const servers = [
      '--nats-url',
      nats.url,
      '--redis-url',
      redis.url,
      '--default-endpoint-url',
      endpoint.url,
    ];
    const good = await init([...args, ...servers], { FREESWITCH_PASSWORD: PASSWORD });
    const wrong = await init([...args, '--force', ...servers], { FREESWITCH_PASSWORD: 'wrong' });
    await Promise.all([nats.stop(), redis.stop()]);
    expect(good.out).toMatch(/freeswitch +login +ok/);
    expect(good.out).toMatch(/nats +JetStream +ok/);
    expect(good.out).toMatch(/redis +persistence +ok/);
    expect(good.out).toMatch(/endpoint +DNS +ok/);
    expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining('refused the login') });
    const config = await acceptedBy((service) => settingsOf('common.env', `${service}.env`));
    expect(config).toMatchObject({ FREESWITCH_PORT: freeswitch.port, NATS_URL: nats.url });
  });

  it('keeps secrets to the owner of the files, and prints none', async () => {
    const { code, out, err } = await write('systemd');
    expect(code).toBe(0);
    const settings = await settingsOf('agent.env', 'console.env', 'router.env');
    expect(settings['FREESWITCH_PASSWORD']).toBe(PASSWORD);
    expect(await settingsOf('notifier.env')).toMatchObject({
      ENDPOINT_SIGNING_SECRETS: settings['ENDPOINT_SIGNING_SECRETS'],
    });
    for (const name of ['FREESWITCH_PASSWORD', 'CONSOLE_VIEWER_TOKENS', 'ENDPOINT_SIGNING_SECRETS'])
      expect(out + err).not.toContain(settings[name]);
    for (const name of ['common', 'agent', 'router', 'notifier', 'console'])
      expect(await modeOf(`${name}.env`)).toBe(0o600);
  });

  it('lets FreeSWITCH on another host reach the agent, and no other address', async () => {
    const { code, out } = await write('systemd', [
      ...['--freeswitch-host', '10.0.0.9', '--socket-host', '10.0.0.5'],
    ]);
    expect(code).toBe(0);
    expect(out).toContain('<action application="socket" data="10.0.0.5:8084"/>');
    expect(await acceptedBy((service) => settingsOf('common.env', `${service}.env`))).toMatchObject({
      FREESWITCH_HOST: '10.0.0.9',
      SOCKET_HOST: '10.0.0.5',
      SOCKET_ALLOWED_NETWORKS: ['10.0.0.9/32', '10.0.0.5/32'],
    });
  });

  it('keeps the default networks for a FreeSWITCH with a host name, unless others are given', async () => {
    const host = ['--freeswitch-host', 'pbx.example', '--socket-host', 'agent.example'];
    const { out } = await write('systemd', host);
    expect(out).toContain('data="agent.example:8084"');
    expect(await settingsOf('agent.env')).not.toHaveProperty('SOCKET_ALLOWED_NETWORKS');
    await write('systemd', [...host, '--force', '--socket-allowed-networks', 'fd00::/64']);
    expect(await settingsOf('agent.env')).toMatchObject({ SOCKET_ALLOWED_NETWORKS: 'fd00::/64' });
  });

  it('overwrites nothing without --force, and then writes no file', async () => {
    await writeFile(join(folder, 'console.env'), 'CONSOLE_PORT=1\n', { mode: 0o644 });
    const refused = await write('systemd');
    expect(refused).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(join(folder, 'console.env')),
    });
    expect(await read('console.env')).toBe('CONSOLE_PORT=1\n');
    await expect(stat(join(folder, 'agent.env'))).rejects.toThrow('ENOENT');
    expect((await write('systemd', ['--force'])).code).toBe(0);
    expect(await read('console.env')).not.toContain('CONSOLE_PORT=1');
    expect(await modeOf('console.env')).toBe(0o600);
  });

  it('adds the settings to the files of the Debian packages', async () => {
    const installed = join(ROOT, 'deploy', 'debian', 'files');
    for (const name of ['common.env', 'agent.env', 'router.env', 'notifier.env', 'console.env'])
      await cp(join(installed, name), join(folder, name));
    expect((await write('systemd')).code).toBe(0);
    expect(await read('agent.env')).toContain(await readFile(join(installed, 'agent.env'), 'utf8'));
    await acceptedBy((service) => settingsOf('common.env', `${service}.env`));
    expect((await write('systemd')).code).toBe(1);
  });
});

describe('for compose', () => {
  interface Container {
    readonly image: string;
    readonly command: readonly string[];
    readonly network_mode: string;
    readonly env_file?: readonly string[];
    readonly environment?: Record<string, string>;
    readonly read_only?: boolean;
    readonly ports?: readonly string[];
    readonly stop_grace_period?: string;
    readonly volumes?: readonly string[];
  }
  const containers = async () =>
    (parse(await read('compose.yaml'), { merge: true }) as { services: Record<string, Container> }).services;
  const [, image] = readDockerfile();

  it('runs every service with settings that it accepts, on loopback, beside NATS and Redis', async () => {
    await write('compose', ['--image', 'registry.example:5000/dialhook:1.2.3']);
    const services = await containers();
    expect(Object.keys(services)).toEqual(['agent', 'router', 'notifier', 'console', 'nats', 'redis']);
    const ports = new Set<number>();
    for (const [name, , readConfig] of SERVICES) {
      const { env_file = [], environment: given, ...service } = services[name] as Container;
      expect(service).toMatchObject({
        image: 'registry.example:5000/dialhook:1.2.3',
        read_only: true,
        logging: { driver: 'local' },
      });
      expect(service.command).toEqual([`services/${name}/main.ts`]);
      const config = readConfig({ ...environment(image), ...(await settingsOf(...env_file)), ...given });
      expect(config.HEALTH_HOST).toBe('127.0.0.1');
      ports.add(config.HEALTH_PORT);
      expect(Number.parseInt(service.stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(
        config.STOP_DEADLINE_MS,
      );
    }
    expect(ports.size).toBe(SERVICES.length);
    for (const { image: from, network_mode, ports: published } of Object.values(services)) {
      expect(from).toMatch(/:[0-9][\w.-]*$/);
      expect([network_mode, published]).toEqual(['host', undefined]);
    }
    expect(services['nats']?.command.join(' ')).toMatch(/-a 127\.0\.0\.1 -p 4222 -js/);
    expect(services['redis']?.command.join(' ')).toMatch(
      /--bind 127\.0\.0\.1 .*--maxmemory-policy noeviction/,
    );
    expect(await modeOf('agent.env')).toBe(0o600);
    expect(await read('compose.yaml')).not.toContain('hush');
  });

  it('listens for FreeSWITCH on another host', async () => {
    const { out } = await write('compose', ['--freeswitch-host', 'fd00::9', '--socket-host', 'fd00::5']);
    expect(out).toContain('data="fd00::5:8084"');
    const { agent } = await containers();
    const given = await settingsOf('common.env', 'agent.env');
    expect(readAgentConfig({ ...environment(image), ...given, ...agent?.environment })).toMatchObject({
      SOCKET_HOST: 'fd00::5',
      SOCKET_ALLOWED_NETWORKS: ['fd00::9/128', 'fd00::5/128'],
      HEALTH_HOST: '127.0.0.1',
    });
  });

  it('starts no server that runs elsewhere', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    await write('compose', ['--nats-url', 'nats://10.0.0.5:4222', '--redis-url', 'redis://10.0.0.5:6379']);
    const services = await containers();
    expect(Object.keys(services)).toEqual(['agent', 'router', 'notifier', 'console']);
    expect(services['agent']?.image).toBe(`dialhook:${version}`);
  });
});

describe('for Kubernetes', () => {
  const all = [
    '--freeswitch-host',
    '10.0.0.11',
    '--freeswitch-user',
    'dialhook@pbx.local',
    '--nats-user',
    'cti',
  ];
  const env = { NATS_PASSWORD: 'nats-hush', REDIS_PASSWORD: 'redis-hush' };

  const schema = async () =>
    new Ajv({ strict: false, validateFormats: false }).compile(
      JSON.parse(await readFile(join(ROOT, 'helm/dialhook/values.schema.json'), 'utf8')) as object,
    );

  it('leaves NATS and Redis to the chart dialhook-stack where they have no URL', async () => {
    expect((await write('kubernetes', ['--freeswitch-host', '10.0.0.11'])).code).toBe(0);
    const values = parse(await read('values.yaml')) as { install: object; dialhook: object };
    expect(values.install).toEqual({ nats: true, valkey: true });
    const accepts = await schema();
    expect(accepts(values.dialhook), JSON.stringify(accepts.errors)).toBe(true);
    expect(values.dialhook).not.toHaveProperty('nats');
  });

  it("writes values that the chart's schema accepts, and the Secret that they name", async () => {
    const servers = ['--nats-url', 'nats://10.0.0.5:4222', '--redis-url', 'redis://10.0.0.6:6379'];
    const url = ['--default-endpoint-url', 'https://crm.example/calls'];
    expect((await write('kubernetes', [...all, ...servers, ...url], env)).code).toBe(0);
    const accepts = await schema();
    const values: unknown = parse(await read('values.yaml'));
    expect(accepts(values), JSON.stringify(accepts.errors)).toBe(true);
    const secret = parse(await read('secret.yaml')) as {
      metadata: { name: string };
      stringData: Record<string, string>;
    };
    const { stringData, metadata } = secret;
    const named = (key: string) => ({ existingSecret: metadata.name, passwordKey: key });
    expect(values).toMatchObject({
      nats: { url: 'nats://10.0.0.5:4222', auth: { user: 'cti', ...named('nats-password') } },
      redis: { auth: named('redis-password') },
      endpoints: { signingSecrets: { name: metadata.name, key: 'signing-secrets' } },
      agents: { nodes: [{ host: '10.0.0.11', existingSecret: { key: 'freeswitch-password' } }] },
      console: { tokens: { existingSecret: metadata.name } },
    });
    expect(stringData).toMatchObject({
      'freeswitch-password': PASSWORD,
      'nats-password': 'nats-hush',
      'redis-password': 'redis-hush',
    });
    readConsoleConfig({
      CONSOLE_VIEWER_TOKENS: stringData['viewers'],
      CONSOLE_OPERATOR_TOKENS: stringData['operators'],
    });
    expect(await modeOf('secret.yaml')).toBe(0o600);
    expect(await read('values.yaml')).not.toContain('hush');
  });
});

test('without a terminal and options it is wrong usage', async () => {
  expect(await init([])).toMatchObject({
    code: 64,
    out: '',
    err: expect.stringContaining('--for is required'),
  });
});

test.each([
  [['--for', 'docker'], '--for must be one of systemd, compose, kubernetes'],
  [['--for', 'kubernetes'], '--freeswitch-host is required'],
  [['--for', 'systemd', '--freeswitch-host', '10.0.0.9'], '--socket-host is required'],
  [
    ['--for', 'compose', '--freeswitch-host', '10.0.0.9', '--socket-host', '0.0.0.0'],
    'SOCKET_HOST must be one IP address or host name of this host',
  ],
  [['--for', 'systemd', '--nats-user', 'agent'], 'set NATS_PASSWORD in the environment'],
  [['--for', 'systemd', '--nats-url', 'nats://a:hush@b'], 'NATS_URL must have no user'],
  [['--for', 'systemd', '--freeswitch-port', 'x'], 'FREESWITCH_PORT must be a whole number'],
  [['--for', 'compose', '--image', 'dialhook'], '--image must be'],
])('%j is wrong usage, and writes nothing', async (args, words) => {
  const none = join(tmpdir(), `dialhook-init-none-${process.pid}`);
  const { code, out, err } = await runDialhook(['init', '--yes', '--dir', none, ...args]);
  expect([code, out]).toEqual([64, '']);
  expect(err).toContain(words);
  expect(err).not.toContain('hush');
  await expect(stat(none)).rejects.toThrow('ENOENT');
});

// `script` of util-linux gives the process a terminal.
const script = spawnSync('script', ['--version']).stdout?.toString() ?? '';

test.skipIf(!script.includes('util-linux'))('asks on a terminal, and does not show a password', async () => {
  const command = `${process.execPath} services/cli/main.ts init --dir ${folder} --skip-doctor`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] },
  });
  let screen = '';
  const answers: readonly (readonly [string, string])[] = [
    ['write files for', 'systemd'],
    ['host of the FreeSWITCH', ''],
    ['port of the FreeSWITCH', '99999'],
    ['FREESWITCH_PORT must be', '8022'],
    ['directory user', ''],
    ['password for the event socket', PASSWORD],
    ['name of the FreeSWITCH node', 'fs7'],
    ['URL of NATS', ''],
    ['NATS user', 'cti'],
    ['password of the NATS user', 'nats-hush'],
    ['URL of Redis', ''],
    ['Redis user', ''],
    ['password for Redis', ''],
    ['URL of the endpoint', 'http://127.0.0.1:8090/'],
  ];
  let asked = 0;
  let read_ = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    const [question, answer] = answers[asked] ?? [];
    if (question === undefined || !screen.slice(read_).includes(question)) return;
    asked++;
    read_ = screen.length;
    child.stdin.write(`${answer}\r`);
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(screen).not.toContain('hush');
  expect([code, asked], screen).toEqual([0, answers.length]);
  expect(await settingsOf('common.env', 'agent.env')).toEqual({
    NATS_URL: 'nats://127.0.0.1:4222',
    NATS_USER: 'cti',
    NATS_PASSWORD: 'nats-hush',
    FREESWITCH_HOST: '127.0.0.1',
    FREESWITCH_PORT: '8022',
    FREESWITCH_PASSWORD: PASSWORD,
    NODE_NAME: 'fs7',
    DEFAULT_ENDPOINT_URL: 'http://127.0.0.1:8090/',
  });
});
