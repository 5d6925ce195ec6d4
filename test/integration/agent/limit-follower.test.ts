import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { type LimitReader, LimitStream } from '#libs/bus/limit-stream.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { LimitFollower } from '#services/agent/limits/limit-follower.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

interface TestReader {
  readonly read: string[];
  isCaughtUp: boolean;
}

let nats: NatsServer;
let end: () => Promise<void>;
beforeEach(async () => {
  nats = await startNats();
});
afterEach(async () => {
  await end();
  await nats.stop();
});

/** A follower whose reader number `heldAt` begins to read when `release` is called, or fails with its error. */
async function follow(heldAt: number) {
  const { log } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(nats.url, 'agent', lifecycle, log);
  const stream = new LimitStream(bus, { replicas: 1, maxBytes: 1 << 20, maxAgeMs: 3_600_000 }, log);
  const readers: TestReader[] = [];
  const held = Promise.withResolvers<void>();
  const follower = new LimitFollower({
    stream: {
      exists: () => stream.exists(),
      recheck: () => stream.recheck(),
      follow: async (reader: LimitReader, signal: AbortSignal) => {
        if (readers.length === heldAt) await held.promise;
        return stream.follow(reader, signal);
      },
    },
    openReader: () => {
      const reader: TestReader = { read: [], isCaughtUp: false };
      readers.push(reader);
      return {
        onMessage: ({ data }) => reader.read.push(Buffer.from(data).toString()),
        onCaughtUp: () => {
          reader.isCaughtUp = true;
        },
      };
    },
    rereadMs: 100,
    onStart: () => {},
    log,
  });
  end = async () => {
    held.resolve();
    await follower.stop();
    await lifecycle.stop();
  };
  follower.start();
  await until('the stream is read', () => readers[0]?.isCaughtUp === true);
  const publish = (text: string) => stream.publish(`dialhook.limits.place.gw.fs1.${text}.1`, text);
  const consumers = async () => {
    const manager = await bus.jetstreamManager();
    return (await manager.streams.info('DIALHOOK_LIMITS')).state.consumer_count;
  };
  return { readers, publish, consumers, release: held.resolve, fail: held.reject };
}

it('goes on with a reader until the next one has caught up', async () => {
  const { readers, publish, consumers, release } = await follow(2);
  await until('the stream is read again', () => readers.length === 2);
  await publish('a');
  await until('the first reader has the message', () => readers[0]?.read.includes('a') === true);
  expect(readers[1]).toEqual({ read: [], isCaughtUp: false });
  release();
  await until('the second reader has caught up', () => readers[1]?.isCaughtUp === true);
  expect(readers[1]?.read).toEqual(['a']);
  await until('the third reader has caught up', () => readers[2]?.isCaughtUp === true);
  await publish('b');
  await until('a later reader has the message', () => readers.at(-1)?.read.includes('b') === true);
  expect(readers[0]?.read).toEqual(['a']);
  await until('only the readers in use have consumers', async () => (await consumers()) <= 2);
});

it('goes on with a reader when the next one fails', async () => {
  const { readers, publish, fail } = await follow(2);
  await until('the stream is read again', () => readers.length === 2);
  fail(new Error('no leader'));
  await publish('a');
  await until('the first reader has the message', () => readers[0]?.read.includes('a') === true);
  await until('the stream is read again', () => readers[2]?.isCaughtUp === true);
  expect(readers[1]).toEqual({ read: [], isCaughtUp: false });
  expect(readers[2]?.read).toEqual(['a']);
});
