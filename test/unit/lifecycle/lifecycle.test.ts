import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveHealth } from '#libs/lifecycle/health-server.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { createLog } from '#libs/telemetry/log.ts';

function lifecycle(deadlineMs = 10_000) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('test', { destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  return { life: new Lifecycle(log, deadlineMs), lines };
}

afterEach(() => vi.useRealTimers());

describe('stop', () => {
  it('runs the steps one after the other, the last first', async () => {
    const { life, lines } = lifecycle();
    const seen: string[] = [];
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    life.onStop('first', () => void seen.push('first'));
    life.onStop('second', async () => {
      seen.push('second begins');
      await held;
      seen.push('second ends');
    });
    life.onStop('third', () => void seen.push('third'));
    const stopped = life.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['third', 'second begins']);
    release();
    await stopped;
    expect(seen).toEqual(['third', 'second begins', 'second ends', 'first']);
    expect(lines).toEqual([]);
  });

  it('runs them once, also when a step stops the service', async () => {
    const { life } = lifecycle();
    let runs = 0;
    const stops: Promise<void>[] = [];
    life.onStop('step', () => {
      runs++;
      stops.push(life.stop());
    });
    await Promise.all([life.stop(), life.stop()]);
    await Promise.all([life.stop(), ...stops]);
    expect(runs).toBe(1);
  });

  it.each<[string, () => Promise<void> | void]>([
    [
      'throws',
      () => {
        throw new Error('a fault');
      },
    ],
    ['rejects', () => Promise.reject(new Error('a fault'))],
  ])('goes on after a step that %s', async (_, fault) => {
    const { life, lines } = lifecycle();
    const seen: string[] = [];
    life.onStop('last', () => void seen.push('last'));
    life.onStop('faulty', fault);
    await life.stop();
    expect(seen).toEqual(['last']);
    expect(lines).toMatchObject([
      { step: 'faulty', event: 'service.stop_step_failed', err: { message: 'a fault' } },
    ]);
  });

  it('ends at its deadline and names the stalled step', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { life, lines } = lifecycle(500);
    const seen: string[] = [];
    life.onStop('never reached', () => void seen.push('never reached'));
    life.onStop('hanging', () => new Promise(() => {}));
    const stopped = life.stop();
    await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(499);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    await stopped;
    expect(lines).toMatchObject([{ step: 'hanging', deadline_ms: 500, event: 'service.stop_timeout' }]);
    expect(seen).toEqual([]);
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { life } = lifecycle();
    await life.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('health', () => {
  it('is ready when every check is fine, and not while stopping', async () => {
    const { life } = lifecycle();
    let wrong: string | undefined = 'not connected';
    life.check('nats', () => wrong);
    life.check('other', () => undefined);
    expect(life.health()).toEqual({ ready: false, checks: { nats: 'not connected', other: 'ok' } });
    wrong = undefined;
    expect(life.health()).toEqual({ ready: true, checks: { nats: 'ok', other: 'ok' } });
    let during: boolean | undefined;
    life.onStop('step', () => {
      during = life.health().ready;
    });
    await life.stop();
    expect(during).toBe(false);
    expect(life.health().checks).toMatchObject({ lifecycle: 'stopping' });
  });

  it('reports a problem without becoming unready', () => {
    const { life } = lifecycle();
    let needed = true;
    life.check(
      'events',
      () => 'away',
      () => needed,
    );
    expect(life.health()).toEqual({ ready: false, checks: { events: 'away' } });
    needed = false;
    expect(life.health()).toEqual({ ready: true, checks: { events: 'away' } });
  });

  it('is served, and ends with the service', async () => {
    const { life } = lifecycle();
    let wrong: string | undefined = 'away';
    life.check('nats', () => wrong);
    const port = await serveHealth(life, '127.0.0.1', 0);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.json()];
    };
    expect(await get('/healthz')).toEqual([200, { alive: true }]);
    expect(await get('/readyz')).toEqual([503, { ready: false, checks: { nats: 'away' } }]);
    wrong = undefined;
    expect(await get('/readyz')).toEqual([200, { ready: true, checks: { nats: 'ok' } }]);
    expect(await get('/metrics')).toEqual([
      404,
      { error: 'only /healthz, /readyz and /metrics are served here' },
    ]);
    await expect(serveHealth(life, '127.0.0.1', port)).rejects.toThrow(
      `EADDRINUSE: address already in use 127.0.0.1:${port}`,
    );
    await life.stop();
    await expect(get('/healthz')).rejects.toThrow('fetch failed');
  });
});
