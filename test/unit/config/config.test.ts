import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, readConfig } from '#libs/config/config.ts';
import {
  bytes,
  commonSettings,
  count,
  list,
  milliseconds,
  port,
  secret,
  url,
} from '#libs/config/settings.ts';

const Settings = z.object({
  PORT: port().default(80),
  WAIT_MS: milliseconds(1, 1000).optional(),
  SIZE: bytes(1, 1024).optional(),
  MANY: count(1, 10).optional(),
  NAMES: list().default(['a']),
  WHERE: url('http:', 'https:').optional(),
  TOKEN: secret().min(4, 'must be at least 4 characters').default('none'),
  KEY: secret().optional(),
  NEEDED: z.string({ error: 'must be given' }),
});
const read = (env: Record<string, string>) => readConfig(Settings, { NEEDED: 'x', ...env });

const dir = mkdtempSync(join(tmpdir(), 'dialhook-config-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

function refused(env: Record<string, string | undefined>): string[] {
  try {
    readConfig(Settings, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
  throw new Error('was not refused');
}

describe('readConfig', () => {
  it.each<[Record<string, string>, object]>([
    [{}, { PORT: 80, NAMES: ['a'], TOKEN: 'none', NEEDED: 'x' }],
    [{ PORT: '' }, { PORT: 80 }],
    [{ PORT: '0' }, { PORT: 0 }],
    [
      { WAIT_MS: '1000', SIZE: '1024', MANY: '10' },
      { WAIT_MS: 1000, SIZE: 1024, MANY: 10 },
    ],
    [{ NAMES: 'a, b ,,c' }, { NAMES: ['a', 'b', 'c'] }],
    [{ WHERE: 'http://a/,https://b/' }, { WHERE: 'http://a/,https://b/' }],
    [{ OTHER: 'y' }, { NEEDED: 'x' }],
  ])('%j', (env, config) => expect(read(env)).toMatchObject(config));

  it('names every invalid variable at once, with the rule and the value', () => {
    expect(
      refused({
        PORT: '65536',
        WAIT_MS: '0',
        SIZE: 'many',
        MANY: '1.5',
        WHERE: 'ftp://a/',
        KEY_FILE: join(dir, 'missing'),
      }),
    ).toEqual([
      `KEY_FILE must name a readable file (it is "${join(dir, 'missing')}")`,
      'PORT must be a whole number from 0 to 65535 (it is "65536")',
      'WAIT_MS must be a whole number of ms from 1 to 1000 (it is "0")',
      'SIZE must be a whole number of bytes from 1 to 1024 (it is "many")',
      'MANY must be a whole number from 1 to 10 (it is "1.5")',
      'WHERE must be a URL that starts with http:// or https:// (it is "ftp://a/")',
      'NEEDED must be given (it is not set)',
    ]);
  });

  it('shows no secret, whatever stands around it', () => {
    const [line, ...more] = refused({ TOKEN: 'abc', NEEDED: 'x' });
    expect(line).toBe('TOKEN must be at least 4 characters (it is set)');
    expect(more).toEqual([]);
  });

  it('shows no password of a URL', () => {
    expect(refused({ WHERE: 'nats://me:pass/w@rd@host:4222', NEEDED: 'x' })).toEqual([
      'WHERE must be a URL that starts with http:// or https:// (it is "nats://***@host:4222")',
    ]);
  });

  it('takes a secret from a file, without the line end', () => {
    expect(read({ TOKEN_FILE: file('token', ' from file\n') })).toMatchObject({ TOKEN: 'from file' });
    expect(read({ KEY_FILE: file('key', 'k') })).toMatchObject({ KEY: 'k' });
  });

  it('prefers the variable to the file', () => {
    expect(read({ TOKEN: 'from variable', TOKEN_FILE: join(dir, 'missing') })).toMatchObject({
      TOKEN: 'from variable',
    });
  });

  it('validates the content of a file and does not show it', () => {
    expect(refused({ TOKEN_FILE: file('short', 'abc'), NEEDED: 'x' })).toEqual([
      'TOKEN must be at least 4 characters (it is set)',
    ]);
  });

  it('takes nothing but secrets from files', () => {
    expect(read({ PORT_FILE: file('port', '1') })).toMatchObject({ PORT: 80 });
  });
});

describe('commonSettings', () => {
  const common = (env: Record<string, string>) => readConfig(z.object(commonSettings), env);

  it.each<[Record<string, string>, object]>([
    [{}, { NATS_URL: 'nats://127.0.0.1:4222', LOG_LEVEL: 'info', STOP_DEADLINE_MS: 20_000 }],
    [{ NATS_URL: 'nats://a,tls://b:1' }, { NATS_URL: 'nats://a,tls://b:1' }],
    [{ STOP_DEADLINE_MS: '0' }, { STOP_DEADLINE_MS: 0 }],
  ])('%j', (env, config) => expect(common(env)).toMatchObject(config));

  it.each<Record<string, string>>([
    { NATS_URL: 'a:4222' },
    { NATS_URL: 'http://a' },
    { NATS_URL: 'nats://a,http://b' },
    { LOG_LEVEL: 'loud' },
    { STOP_DEADLINE_MS: '-1' },
  ])('refuses %j', (env) => expect(() => common(env)).toThrow(Object.keys(env)[0]));
});
