import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { LimitStream, placeSubject } from '#libs/bus/limit-stream.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { FreedMessages } from '#services/agent/limits/freed-messages.ts';
import { want } from '#test/support/agent/places.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

let directory: string;
let nats: NatsServer;
let lifecycle: Lifecycle;
let lines: readonly LogLine[];
let freed: FreedMessages;
let now: number;

/** A server whose only user may not delete messages. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dialhook-freed-'));
  const config = join(directory, 'nats.conf');
  await writeFile(
    config,
    `jetstream { store_dir: "${directory}/store" }
     authorization { users: [{ user: agent, password: none, permissions: { publish: { deny: ["$JS.API.STREAM.MSG.DELETE.>"] } } }] }
     no_auth_user: agent`,
  );
  nats = await startNats({ config });
  const recorded = recordLog();
  lines = recorded.lines;
  lifecycle = new Lifecycle(recorded.log, 5_000);
  const bus = await Bus.connect(nats.url, 'agent', lifecycle, recorded.log);
  const stream = new LimitStream(bus, { replicas: 1, maxBytes: 1 << 20, maxAgeMs: 3_600_000 }, recorded.log);
  now = 0;
  freed = new FreedMessages({ remove: (seq) => stream.delete(seq), log: recorded.log, now: () => now });
  freed.add(await stream.publish(placeSubject(want('a', {})), '{}'));
});
afterEach(async () => {
  await lifecycle.stop();
  await nats.stop();
  await rm(directory, { recursive: true, force: true });
});

it('reports once that the user may not delete messages, and forgets them', async () => {
  now = 30_000;
  await freed.deleteOld();
  expect(lines.filter(({ event }) => event === 'limit.cleanup_failed')).toHaveLength(1);
  expect(freed.size).toBe(0);
  freed.add(1);
  now = 60_000;
  await freed.deleteOld();
  expect(lines.filter(({ event }) => event === 'limit.cleanup_failed')).toHaveLength(1);
});
