import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PARTITIONS, partitionOf } from '#libs/contract/partition.ts';
import { callKeys, leaseKey } from '#libs/queue/keys.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { DeliveryLimiter } from '#services/notifier/limiter.ts';
import { Partitions, type PartitionsParts, shareOf } from '#services/notifier/partitions.ts';
import { until } from '#test/support/until.ts';

describe('the partition of a call', () => {
  it('is the same in every version', () => {
    expect(partitionOf('f47ac10b-58cc-4372-a567-0e02b2c3d479')).toBe(0);
    expect(partitionOf('')).toBe(5);
  });

  it('spreads calls evenly', () => {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let n = 0; n < 16_000; n++) {
      const partition = partitionOf(randomUUID());
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });

  it('is the hash tag of all keys of the call and of its lease', () => {
    const tags = [...Object.values(callKeys('p', 'call')), leaseKey('p', partitionOf('call'))].map(
      (key) => /^\{([^}]*)\}/.exec(key)?.[1],
    );
    expect(new Set(tags)).toEqual(new Set([`p:${partitionOf('call')}`]));
  });
});

describe('the shares of notifiers', () => {
  it.each([1, 2, 3, 5, 7, 15, 16, 17, 40])(
    '%i notifiers read all partitions, in equal shares',
    (notifiers) => {
      const shares = Array.from({ length: notifiers }, (_, index) => shareOf(PARTITIONS, notifiers, index));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(PARTITIONS);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    },
  );
});

describe('a reader that has passed a message without reading it', () => {
  it.each<[string, PartitionsParts['backlog']]>([
    ['the stream has messages', async () => 1],
    ['the size of the stream is unknown', () => Promise.reject(new Error('permissions violation'))],
  ])('restarts once: %s', async (_, backlog) => {
    const restarts: Error[] = [];
    const looks: number[] = [];
    const reader = {
      hasPassed: () => true,
      restart: (reason: Error) => void restarts.push(reason),
      stop: async () => {},
    };
    const partitions = new Partitions({
      leases: {
        heartbeat: async () => ({ notifiers: PARTITIONS, index: 0 }),
        free: async (all: readonly number[]) => all,
        take: async () => 'kept',
        release: async () => {},
        leave: async () => {},
      },
      leaseMs: 50,
      searchMs: 5,
      openReader: () => reader,
      backlog,
      oldest: async (partition: number) => {
        looks.push(partition);
        return 7;
      },
      settled: async () => {},
      bus: { connected: true, onChange: () => {} },
      reading: { observe: () => {} },
      random: () => 0,
      log: createLog('test', { level: 'silent' }),
    } as unknown as PartitionsParts);
    await until(() => restarts.length > 0);
    const seen = looks.length;
    await until(() => looks.length > seen + 2);
    await partitions.stop();
    expect(restarts.map(({ message }) => message)).toEqual(['message 7 of the stream was skipped']);
  });
});

describe('a notifier whose share becomes smaller', () => {
  it('renews its leases while the readers of the others stop, and takes none of these before it is released', async () => {
    const stop = Promise.withResolvers<void>();
    const opened: number[] = [];
    const released: number[] = [];
    let [notifiers, renewals, heartbeats] = [1, 0, 0];
    const partitions = new Partitions({
      leases: {
        heartbeat: async () => {
          heartbeats++;
          return { notifiers, place: 0 };
        },
        free: async (all: readonly number[]) => all,
        take: async (partition: number) => {
          if (partition === 0) renewals++;
          return 'kept';
        },
        release: async (partition: number) => void released.push(partition),
        leave: async () => {},
      },
      leaseMs: 50,
      openReader: (partition: number) => {
        opened.push(partition);
        return { stop: () => stop.promise };
      },
      backlog: async () => 0,
      settled: async () => {},
      bus: { connected: true, onChange: () => {} },
      reading: { observe: () => {} },
      random: () => 0,
      log: createLog('test', { level: 'silent' }),
    } as unknown as PartitionsParts);
    await until('it reads all', () => partitions.size === PARTITIONS);
    notifiers = 2;
    await until('it keeps its share', () => partitions.size === PARTITIONS / 2);
    const before = renewals;
    await until('the lease of a kept partition is renewed', () => renewals > before + 2);
    notifiers = 1;
    const beats = heartbeats;
    await until('the share has grown again', () => heartbeats > beats + 2);
    expect(released).toEqual([]);
    expect(opened).toHaveLength(PARTITIONS);
    stop.resolve();
    await until('it reads all again', () => partitions.size === PARTITIONS);
    expect(released).toHaveLength(PARTITIONS / 2);
    await partitions.stop();
  });
});

describe('a reader that waits for room at an endpoint', () => {
  /** A limiter with all room for one endpoint used, whose attempts took so long. */
  function full(tookMs: number) {
    const limiter = new DeliveryLimiter(4);
    limiter.tryEnter('a');
    limiter.tryEnter('a');
    limiter.leave('a', tookMs);
    limiter.tryEnter('a');
    return limiter;
  }

  it('gets it when the endpoint is fast, in the order of the readers', async () => {
    const limiter = full(5);
    const entered: number[] = [];
    const readers = [1, 2].map(async (n) => {
      if (await limiter.enterSoon('a')) entered.push(n);
    });
    limiter.leave('a', 5);
    await readers[0];
    limiter.leave('a', 5);
    await readers[1];
    expect(entered).toEqual([1, 2]);
    expect(limiter.inFlight).toBe(2);
  });

  it('does not wait for an endpoint that is slow', async () => {
    expect(await full(5_000).enterSoon('a')).toBe(false);
  });

  it('waits for an endpoint that hangs once, and not again', async () => {
    const limiter = full(5);
    const started = performance.now();
    expect(await limiter.enterSoon('a')).toBe(false);
    expect(performance.now() - started).toBeGreaterThan(90);
    expect(limiter.hasRoomSoon('a')).toBe(false);
  });
});
