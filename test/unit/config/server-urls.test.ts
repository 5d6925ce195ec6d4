import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { checkNatsSettings, commonSettings } from '#libs/config/settings.ts';
import { checkRedisSettings, queueSettings } from '#libs/queue/settings.ts';

const Nats = z.object(commonSettings).superRefine(checkNatsSettings);
const Redis = z.object(queueSettings).superRefine(checkRedisSettings);

const refusal = (schema: typeof Nats | typeof Redis, env: Record<string, string>): string => {
  try {
    readConfig(schema as typeof Nats, env);
  } catch (error) {
    expect((error as Error).name).toBe('ConfigError');
    return (error as Error).message;
  }
  throw new Error('was not refused');
};

describe('a URL with a secret that is not percent-encoded', () => {
  // Each has a piece that URL takes as host, port, path or fragment.
  it.each([
    'svc:p@ss:w/rd#%@h',
    'svc:p@ss/w@h',
    ':p@ss#w@h:6379',
    'svc:pa/ss@h',
    'svc:pa,ss@h',
    'svc:pa?ss@h',
    'svc:50%@h',
    'svc:%ff@h',
    'svc:1234/w@h',
    'svc:pass word@h',
  ])('%s is refused in one sentence that says what to encode and shows none of it', (rest) => {
    for (const [schema, name, url] of [
      [Nats, 'NATS_URL', `nats://${rest}`],
      [Nats, 'NATS_URL', `nats://a:1,tls://${rest}`],
      [Redis, 'REDIS_URL', `redis://${rest}`],
      [Redis, 'REDIS_URL', `rediss://${rest}`],
    ] as const) {
      const message = refusal(schema, { [name]: url });
      const [setting, ...words] = message.split(' ');
      expect([setting, words.join(' ')]).toEqual([
        name,
        expect.stringMatching(/^has a character .* percent-encode @ as %40, .* \(it is .*\)$/),
      ]);
      expect(message).not.toContain('\n');
      expect(message.replace(/%[0-9A-F]{2}/g, '')).not.toMatch(/p@ss|pa.ss|w\/rd|50|1234|%ff|word@/);
      expect(message).toMatch(name === 'NATS_URL' ? /set NATS_USER and NATS_PASS/ : /set REDIS_USER and/);
    }
  });
});

describe('server URLs', () => {
  it.each([
    'nats://svc:p%40ss%3Aw%2Frd%23%25@h:4222',
    'nats://p@ss:w@h',
    'nats://[::1]:4222,tls://h.example/',
    'tls://u:p@a, tls://u:p@b',
  ])('%s is accepted for NATS', (NATS_URL) =>
    expect(readConfig(Nats, { NATS_URL })).toMatchObject({ NATS_URL }),
  );

  it.each(['redis://:p%40ss@h:6379/2', 'rediss://u:p@h?family=6', 'unix:///run/redis.sock'])(
    '%s is accepted for Redis',
    (REDIS_URL) => expect(readConfig(Redis, { REDIS_URL })).toMatchObject({ REDIS_URL }),
  );

  it.each<[string, string]>([
    ['redis://a,redis://b', 'may list several servers only with REDIS_MODE'],
    ['http://h', 'must be a URL that starts with redis:// or rediss:// or unix://'],
    ['redis://h:port', 'must be SCHEME://HOST:PORT'],
    ['redis://h/db', 'must be SCHEME://HOST:PORT'],
  ])('%s is refused for Redis', (REDIS_URL, words) => expect(refusal(Redis, { REDIS_URL })).toContain(words));

  it.each<[Record<string, string>, string]>([
    [{ REDIS_USER: 'u' }, 'REDIS_USER needs REDIS_PASSWORD'],
    [{ REDIS_URL: 'redis://:p@h', REDIS_PASSWORD: 'q' }, 'only one may be set'],
  ])('user and password of Redis: %j is refused', (env, words) =>
    expect(refusal(Redis, env)).toContain(words),
  );
});
