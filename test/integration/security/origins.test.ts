import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { Breakers } from '#libs/decision/breakers.ts';
import { DecisionService } from '#libs/decision/decision-service.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { DeliveryLimiter } from '#services/notifier/limiter.ts';
import { client } from '#test/support/router/client.ts';
import { decisionRequest, UUID, WORK } from '#test/support/router/requests.ts';
import { collectedHeap } from '#test/support/security/memory.ts';
import { startRedis } from '#test/support/servers/redis.ts';

/** ORIGINS=1000000 is the long form. */
const ORIGINS = Number(process.env['ORIGINS'] ?? 40_000);
const WARM = 15_000;
const MEBIBYTE = 2 ** 20;
const LONG_MS = 1_800_000;

/** Runs `work` for each of so many origins and returns by how much memory has grown since the first of them. */
async function growth(
  many: number,
  work: (origin: string) => unknown,
  warm = Math.min(WARM, many / 2),
): Promise<number> {
  let before = 0;
  for (let n = 0; n < many; n++) {
    if (n === warm) before = collectedHeap();
    // Sockets that have ended are let go when the loop turns.
    if (n % 20 === 0) await turn();
    await work(`http://h${n}.example:${1 + (n % 65_000)}`);
  }
  await turn();
  const grown = collectedHeap() - before;
  if (many === ORIGINS) console.log(`${many} origins: ${(grown / MEBIBYTE).toFixed(2)} MiB more`);
  return grown;
}

const FAILED = {
  ok: false,
  result: 'connection_failed',
  error: 'x',
  timing: { connectMs: 0, responseMs: 0, reused: false, phases: [] },
} as const;

it('breakers are kept of the last ten thousand', { timeout: LONG_MS }, async () => {
  const breakers = new Breakers({ window: 20, openMs: 60_000 });
  const fail = (url: string) => breakers.run(url, async () => FAILED);
  expect(await growth(ORIGINS, fail)).toBeLessThan(2 * MEBIBYTE);
  expect(breakers.size).toBe(10_000);
});

it('the breaker of an endpoint in use survives any number of others', async () => {
  const breakers = new Breakers({ window: 2, openMs: 60_000 });
  const fail = (url: string) => breakers.run(url, async () => FAILED);
  await fail('http://crm/');
  for (let n = 0; n < 15_000; n++) {
    await fail(`http://h${n}/`);
    if (n % 5_000 === 0) await fail('http://crm/');
  }
  expect(await fail('http://crm/')).toBeUndefined();
});

it('no breaker is kept of a name that no DNS can have', async () => {
  const breakers = new Breakers({ window: 20, openMs: 60_000 });
  const url = `http://${'x'.repeat(300_000)}/`;
  expect(await breakers.run(url, async () => FAILED)).toEqual(FAILED);
  expect(breakers.size).toBe(0);
});

it('a router that sends requests to as many origins keeps no connection and no pool', {
  timeout: LONG_MS,
}, async () => {
  await using httpClient = client({
    lookup: async () => {
      throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    },
  });
  const breaker = { window: 20, openMs: 60_000 };
  const log = createLog('test', { level: 'silent' });
  const service = new DecisionService(httpClient, { method: 'POST', maxCallsInFlight: 10, breaker }, log);
  const parent = callContext(UUID);
  const results = new Set<string>();
  const ask = async (origin: string) => {
    results.add((await service.decide(decisionRequest(`${origin}/`), parent, WORK)).result);
  };
  expect(await growth(ORIGINS, ask)).toBeLessThan(4 * MEBIBYTE);
  expect([[...results], httpClient.size]).toEqual([['connection_failed'], { origins: 0, idle: 0 }]);
});

it('a notifier holds slots of those alone that it is calling', { timeout: LONG_MS }, async () => {
  const limiter = new DeliveryLimiter(256);
  const attempt = (origin: string) => {
    if (limiter.enterOrTurn(origin, 0, 0) === 0) limiter.leave(origin, 1);
  };
  expect(await growth(ORIGINS, attempt)).toBeLessThan(MEBIBYTE);
  expect(limiter.enterOrTurn('http://crm', 0, 0)).toBe(0);
});

it('Redis stores the failures of ten thousand origins, and an endpoint disabled by an operator stays disabled', {
  timeout: LONG_MS,
}, async () => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  try {
    const endpoints = new EndpointState(redis, 'dialhook');
    await endpoints.disable('http://off.example');
    const rules = { attemptMs: 1, disableAfterMs: 1e9, forgetMs: 1e9 };
    const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
    let before = 0;
    for (let n = 0; n < ORIGINS; n += 1_000) {
      if (n === 20_000) before = await memory();
      await Promise.all(
        Array.from({ length: 1_000 }, (_, at) =>
          endpoints.failed(`http://h${n + at}.example`, { probe: false, error: 'x', throttleMs: 1 }, rules),
        ),
      );
    }
    expect(await redis.scard('{dialhook:endpoints}:known')).toBe(10_000);
    expect(await redis.dbsize()).toBe(10_001);
    expect((await memory()) - before).toBeLessThan(2 * MEBIBYTE);
    expect(await endpoints.admit('http://off.example', rules)).toEqual({ kind: 'disabled' });
  } finally {
    redis.disconnect();
    await server.stop();
  }
});
