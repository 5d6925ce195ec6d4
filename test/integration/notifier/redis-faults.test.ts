import { describe, expect, test } from 'vitest';
import { type LogLine, recordLog } from '#test/support/log.ts';
import { startFullDiskRedis } from '#test/support/notifier/full-disk.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { OK, type Receiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

const SOON = { TAKEOVER_MS: '2000', NOTIFY_CONNECT_TIMEOUT_MS: '200', NOTIFY_RESPONSE_TIMEOUT_MS: '800' };

const calls = (endpoint: Receiver, count: number, each: number) =>
  Array.from({ length: count }, () => callOf(endpoint.url, each));

function expectAllInOrder(endpoint: Receiver, all: ReturnType<typeof calls>): void {
  for (const call of all) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
}

const repeats = (endpoint: Receiver) => endpoint.arrivals.filter(({ time }) => time > 1).length;

/** Until BullMQ counts every active job as stalled. */
async function untilLocksExpire(harness: NotifierHarness): Promise<void> {
  const redis = harness.client();
  await until(
    'no call is locked',
    async () => (await redis.keys(`{${harness.prefix}:retry}:calls:*:lock`)).length === 0,
  );
}

/** How Redis comes to refuse what is written, and what the notifier says of it. */
interface Refusal {
  readonly words: RegExp;
  readonly refuse: () => Promise<unknown>;
  readonly take: () => Promise<unknown>;
}

/** What is in flight when Redis begins to refuse writes: direct deliveries, or retry jobs. */
interface InFlight {
  readonly attempt: 1 | 2;
  /** Until all has been tried that can be. */
  readonly untilTried: (failing: number, lines: readonly LogLine[]) => Promise<unknown>;
}

const directly: InFlight = {
  attempt: 1,
  untilTried: (failing, lines) =>
    until('they are left to the stream', () => {
      const left = lines.filter(({ event }) => event === 'notification.wake_failed');
      return left.length >= failing;
    }),
};

/** What is true of a notifier whose Redis answers and refuses what is written, before, meanwhile and after. */
async function refusesAndTakesAgain(
  harness: NotifierHarness,
  { words, refuse, take }: Refusal,
  { attempt, untilTried }: InFlight,
): Promise<void> {
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const isFirst = (id: string) => inFlight.some(([first]) => first && idOf(first) === id);
  // Of half of the calls the first notification fails: that this was tried cannot be written down either.
  const fails = (id: string) => inFlight.slice(2).some(([first]) => first && idOf(first) === id);
  await using endpoint = await startReceiver(async ({ id, time }) => {
    if (isFirst(id) && time < attempt) return { status: 500 };
    await go;
    return time === attempt && fails(id) ? { status: 500 } : OK;
  });
  const { log, lines } = recordLog();
  const settings = { ...SOON, NOTIFY_RESPONSE_TIMEOUT_MS: '3000' };
  await using notifier = await harness.notifier(settings, undefined, log);
  await until('it is ready', () => notifier.health().ready);
  const [inFlight, later] = [calls(endpoint, 4, 3), calls(endpoint, 10, 3)];
  await harness.publish(interleaved(inFlight));
  await until('four are in flight', () => endpoint.arrivals.length === 4 * attempt);

  await refuse();
  resolve();
  const before = repeats(endpoint);
  await harness.publish(interleaved(later));
  const refused = (check: string) => words.test(notifier.health().checks[check] ?? '');
  await until('/readyz says so', () => refused('reader') && refused('queue'));
  expect(notifier.health().ready).toBe(false);
  expect((await harness.stream()).messages).toBeGreaterThanOrEqual(30);
  for (const id of idsOf(later.flat())) expect(endpoint.accepted).not.toContain(id);
  await untilTried(2, lines);
  expect(repeats(endpoint)).toBe(before);

  await take();
  await until('all are delivered', () => new Set(endpoint.accepted).size === 42);
  expectAllInOrder(endpoint, [...inFlight, ...later]);
  await harness.allAcknowledged();
  await until('it is ready again', () => notifier.health().ready);
  // Deliveries in flight that could not be settled.
  expect(repeats(endpoint)).toBeLessThanOrEqual(before + 4);
}

describe.concurrent('Redis is full: nothing is acknowledged, /readyz says so, and all is delivered afterwards', {
  timeout: 60_000,
}, () => {
  const full = (harness: NotifierHarness): Refusal => {
    const redis = harness.client();
    return {
      words: /OOM/,
      refuse: () => redis.config('SET', 'maxmemory', '1'),
      take: () => redis.config('SET', 'maxmemory', '0'),
    };
  };

  test('when calls are delivered directly', async () => {
    await using harness = await NotifierHarness.start();
    await refusesAndTakesAgain(harness, full(harness), directly);
  });

  test('when their jobs run', async () => {
    await using harness = await NotifierHarness.start();
    // A full Redis lets BullMQ put a failed job back, and may let it take the job up again.
    const untilTried = (failing: number, lines: readonly LogLine[]) =>
      until('they have failed', () => {
        const failed = lines.filter(({ event }) => event === 'delivery.failed').map(({ call }) => call);
        return new Set(failed).size >= failing;
      });
    await refusesAndTakesAgain(harness, full(harness), { attempt: 2, untilTried });
  });
});

describe.concurrent("the disk of Redis's append-only file is full: the same", { timeout: 60_000 }, () => {
  const full = (harness: NotifierHarness, disk: Awaited<ReturnType<typeof startFullDiskRedis>>): Refusal => {
    const redis = harness.client();
    const refuse = async () => {
      await disk.fill();
      const refused = () =>
        redis.set('x', 'y').then(
          () => false,
          () => true,
        );
      await until('it refuses', refused);
    };
    return { words: /MISCONF/, refuse, take: async () => disk.makeRoom() };
  };

  test('when calls are delivered directly', async () => {
    await using disk = await startFullDiskRedis();
    await using harness = await NotifierHarness.start({ redisUrl: disk.url });
    await refusesAndTakesAgain(harness, full(harness, disk), directly);
  });

  test('when their jobs run', async () => {
    await using disk = await startFullDiskRedis();
    await using harness = await NotifierHarness.start({ redisUrl: disk.url });
    const untilTried = () => untilLocksExpire(harness);
    await refusesAndTakesAgain(harness, full(harness, disk), { attempt: 2, untilTried });
  });
});

test.concurrent('Redis refuses writes, is killed and comes back empty: unacknowledged notifications are delivered once', async () => {
  await using harness = await NotifierHarness.start({ tcp: true });
  await using endpoint = await startReceiver();
  await using notifier = await harness.notifier(SOON);
  const before = calls(endpoint, 5, 2);
  await harness.publish(interleaved(before));
  await until('the first are delivered', () => endpoint.accepted.length === 10);
  await harness.allAcknowledged();
  await harness.client().config('SET', 'maxmemory', '1');
  const all = calls(endpoint, 10, 3);
  await harness.publish(interleaved(all));
  await until('the notifier has met it', () => /OOM/.test(notifier.health().checks['reader'] ?? ''));
  expect((await harness.stream()).messages).toBe(30);
  await harness.redis.kill();
  await until('/readyz says so', () => notifier.health().checks['redis'] !== 'ok');
  await harness.redis.startAgain();
  await until('all are delivered', () => new Set(endpoint.accepted).size === 40);
  expectAllInOrder(endpoint, [...before, ...all]);
  expect(endpoint.arrivals).toHaveLength(40);
  await harness.allAcknowledged();
  await until('it is ready again', () => notifier.health().ready);
});
