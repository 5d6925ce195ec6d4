import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { AgentSettings, readAgentConfig } from '#services/agent/config.ts';
import { compose as composeOf } from '#services/cli/init/compose.ts';
import { NotifierSettings, readNotifierConfig } from '#services/notifier/config.ts';
import { RouterSettings, readRouterConfig } from '#services/router/config.ts';
import { onPath } from './cache.ts';
import { environment, ROOT, readDockerfile, said } from './image.ts';

const COMPOSE_MODULE = 'github.com/compose-spec/compose-go/v2@v2.16.2';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
}

const compose = parse(readFileSync(join(ROOT, 'deploy', 'compose.yaml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const { services } = compose;
const [, image] = readDockerfile();
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);

/** With the schema of the compose specification, in the module of its reference implementation. */
function composeValidator(): ValidateFunction {
  const answer = execFileSync('go', ['mod', 'download', '-json', COMPOSE_MODULE], { cwd: tmpdir() });
  const { Dir } = JSON.parse(answer.toString('utf8')) as { Dir: string };
  const schema = JSON.parse(readFileSync(join(Dir, 'schema', 'compose-spec.json'), 'utf8'));
  return new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
}

const isValid = onPath('go') === undefined ? undefined : composeValidator();

describe.skipIf(isValid === undefined)('the compose specification', () => {
  it('accepts compose.yaml', () => {
    expect(isValid?.(compose), JSON.stringify(isValid?.errors)).toBe(true);
    const { router, ...others } = services;
    expect(isValid?.({ services: { ...others, router: { ...router, read_olny: true } } })).toBe(false);
  });

  it('accepts the file of `dialhook init`', () => {
    const answers = { NATS_URL: 'nats://127.0.0.1:4222', REDIS_URL: 'redis://127.0.0.1:6379' };
    const { text } = composeOf(answers, { repository: 'registry.example/dialhook', tag: '1.2.3' });
    const file = parse(text, { merge: true });
    expect(Object.keys(file.services)).toEqual(expect.arrayContaining(['nats', 'redis']));
    expect(isValid?.(file), JSON.stringify(isValid?.errors)).toBe(true);
  });
});

describe('compose.yaml', () => {
  it('starts NATS, Redis, FreeSWITCH, a backend for traces, every service and an endpoint', () => {
    expect(Object.keys(services).sort()).toEqual([
      'agent',
      'console',
      'endpoint',
      'freeswitch',
      'nats',
      'notifier',
      'redis',
      'router',
      'telemetry',
    ]);
  });

  it.each([
    ['agent', AgentSettings, readAgentConfig],
    ['router', RouterSettings, readRouterConfig],
    ['notifier', NotifierSettings, readNotifierConfig],
  ] as const)('gives the %s settings that it has and accepts', (name, settings, read) => {
    const given = services[name]?.environment ?? {};
    const known = Object.keys(settings.shape);
    expect(Object.keys(given).filter((one) => !known.includes(one) && !one.startsWith('OTEL_'))).toEqual([]);
    const config = read({ ...environment(image), ...given });
    const grace = Number.parseInt(services[name]?.stop_grace_period ?? '', 10) * 1000;
    expect(grace).toBeGreaterThan(config.STOP_DEADLINE_MS);
  });

  it('names hosts that it starts', () => {
    for (const [name, { environment: given = {}, depends_on: needed = [] }] of ours) {
      const urls = Object.values(given).filter((value) => URL.canParse(value) && value.includes('://'));
      const hosts = [
        ...urls.map((url) => new URL(url).hostname),
        ...needed,
        given['FREESWITCH_HOST'] ?? name,
      ];
      for (const host of hosts) expect(Object.keys(services), name).toContain(host);
    }
  });

  it('runs programs of the image, read-only', () => {
    const copied = said(image, 'COPY').map((text) => text.split(' ')[0] ?? '');
    for (const [name, { command = [], read_only }] of ours) {
      expect(command, name).toHaveLength(1);
      expect(
        copied.some((folder) => command[0]?.startsWith(`${folder}/`)),
        name,
      ).toBe(true);
      expect(readFileSync(join(ROOT, command[0] ?? ''), 'utf8'), name).toBeTruthy();
      expect(read_only, name).toBe(true);
    }
  });

  it('pins every image, publishes on loopback alone, and keeps Redis from evicting', () => {
    for (const { image: from, build, ports = [] } of Object.values(services)) {
      if (build === undefined) expect(from).toMatch(/:[0-9][\w.-]*\}?$/);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    expect(services['redis']?.command?.join(' ')).toContain('--maxmemory-policy noeviction');
  });

  it('lets the agent in as a user whom FreeSWITCH knows', () => {
    const xml = readFileSync(join(ROOT, 'deploy', 'freeswitch', 'freeswitch.xml'), 'utf8');
    const given = services['agent']?.environment ?? {};
    const [user, domain] = given['FREESWITCH_USER']?.split('@') ?? [];
    expect(xml).toContain(`<user id="${user}">`);
    expect(xml).toContain(`<domain name="${domain}">`);
    expect(xml).toContain(`<param name="esl-password" value="${given['FREESWITCH_PASSWORD']}"/>`);
    expect(given['SIP_DOMAIN']).toBe(domain);
    const tested = readFileSync(
      join(ROOT, 'test', 'support', 'freeswitch', 'conf', 'freeswitch.xml'),
      'utf8',
    );
    const rights = /<param name="esl-allowed-(?:events|api)" value="[^"]*"\/>/g;
    const [, , events, api] = tested.match(rights) ?? [];
    expect(given['CALL_CONTROL']).toBe('on');
    expect(xml.match(rights)).toEqual([events, api]);
    expect(xml).toContain('data="agent:8084"');
    expect(xml).toContain(`cti_bridge=${given['DEFAULT_ENDPOINT_URL']} `);
  });
});
