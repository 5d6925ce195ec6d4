import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { reportMissingJetStream } from '#libs/bus/jetstream.ts';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import {
  ensureProgressStream,
  ProgressPublisher,
  progressBacklog,
  restartProgressConsumer,
} from '#libs/bus/progress.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { callOf } from '#test/support/notifier/progress.ts';
import { freePort } from '#test/support/ports.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

let dir: string;
let hub: NatsServer;
let leaf: NatsServer;
const services: Lifecycle[] = [];
const LIMITS = { maxBytes: 8 << 20, maxAgeMs: 3_600_000 };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dialhook-leaf-'));
  const config = async (name: string, text: string) => {
    const path = join(dir, name);
    await writeFile(path, text);
    return path;
  };
  const port = await freePort();
  hub = await startNats({
    config: await config(
      'hub.conf',
      `jetstream { store_dir: "${join(dir, 'store')}", domain: hub }\nleafnodes { listen: "127.0.0.1:${port}" }`,
    ),
  });
  leaf = await startNats({
    config: await config('leaf.conf', `leafnodes { remotes: [{ url: "nats://127.0.0.1:${port}" }] }`),
  });
});
afterAll(async () => {
  for (const lifecycle of services) await lifecycle.stop();
  await leaf.stop();
  await hub.stop();
  await rm(dir, { recursive: true });
});

async function service(domain?: string) {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  services.push(lifecycle);
  const access = { NATS_URL: leaf.url, ...(domain === undefined ? {} : { NATS_JETSTREAM_DOMAIN: domain }) };
  const bus = await Bus.connect(access, 'test', lifecycle, log);
  reportMissingJetStream(bus, lifecycle, log);
  return { bus, log, missing: () => lines.filter(({ event }) => event === 'nats.jetstream_missing') };
}

test.each([
  [undefined, /enable it there, or set NATS_JETSTREAM_DOMAIN on a leaf node/],
  ['none', /with the domain none: check NATS_JETSTREAM_DOMAIN/],
])(
  'a service on a leaf node without JetStream says at the start what is missing: domain %s',
  async (domain, words) => {
    const { missing } = await service(domain);
    await until('it says so', () => missing().length > 0);
    expect(missing()[0]?.['error']).toMatch(words);
  },
);

test('with NATS_JETSTREAM_DOMAIN live calls and progress events are stored, read and acknowledged', async () => {
  const { bus, log, missing } = await service('hub');
  const live = new LiveCalls(bus, { replicas: 1, maxBuffered: 10, ...LIMITS }, log, new SetAside(log));
  const call = {
    v: 1,
    url: 'http://a/',
    uuid: 'one',
    node: 'fs1',
    started: '2026-11-23T18:20:26.595Z',
  } as const;
  const numbers = { caller_id_number: '1', caller_id_name: '', destination_number: '2' };
  await live.add({ ...call, ...numbers });
  expect([live.trouble, await live.uuids('fs1')]).toEqual([undefined, ['one']]);
  live.remove(call);
  await live.drain(AbortSignal.timeout(5_000));
  expect(await live.find('fs1', 'one')).toBeUndefined();

  await ensureProgressStream(bus, { replicas: 1, duplicateWindowMs: 1_000, ...LIMITS });
  const [event] = callOf('http://a/', 1);
  if (!event) throw new Error('no event');
  const publisher = new ProgressPublisher(bus);
  expect(await publisher.publish(event, ROOT_CONTEXT)).toBe(true);
  const consumer = await restartProgressConsumer(bus, partitionOf(event.notification.uuid));
  const message = await consumer.next({ expires: 5_000 });
  expect(await message?.ackAck()).toBe(true);
  await until('nothing is left', async () => (await progressBacklog(bus)) === 0);
  expect(missing()).toEqual([]);
});
