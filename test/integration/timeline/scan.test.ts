import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { timelineSubject } from '#libs/bus/timeline.ts';
import { scanTimeline } from '#libs/bus/timeline-scan.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { caller, makeTimeline, publishAll, received } from '#test/support/console/steps.ts';
import { quietLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

/** Steps of the first fetch, and of the second. */
const [FIRST, SECOND] = [1_000, 10];
const steps = Array.from({ length: FIRST + SECOND }, () => received(caller()));

let server: NatsServer;
let nats: NatsConnection;
let bus: Bus;
const lifecycle = new Lifecycle(quietLog, 5_000);
beforeAll(async () => {
  server = await startNats();
  nats = await connect({ servers: server.url });
  await makeTimeline(nats);
  bus = await Bus.connect(server.url, 'console', lifecycle, quietLog);
});
afterAll(async () => {
  await lifecycle.stop();
  await nats.close();
  await server.stop();
});
beforeEach(async () => {
  await (await jetstreamManager(nats)).streams.purge(BUS.timelineStream);
  await publishAll(nats, steps);
});

/** A scan that has read its first fetch. */
async function begin(signal: AbortSignal) {
  const scan = scanTimeline(bus, quietLog, { from: undefined, signal, silenceMs: 1_000 });
  for (let n = 0; n < FIRST; n++) expect((await scan.next()).value).toEqual([steps[n], expect.any(Number)]);
  return scan;
}

it.each([
  ['before the next fetch', true],
  ['during a fetch', false],
])('a scan ends when it is aborted while NATS does not answer, %s', async (_, isEarly) => {
  const stop = new AbortController();
  const scan = await begin(stop.signal);
  server.pause();
  try {
    if (isEarly) stop.abort(new Error('the console stops'));
    const next = scan.next();
    stop.abort(new Error('the console stops'));
    await expect(next).rejects.toThrow('the console stops');
  } finally {
    server.resume();
  }
});

it('a scan reads all steps', async () => {
  const scan = await begin(new AbortController().signal);
  const rest: TimelineStep[] = [];
  for await (const [step] of scan) rest.push(step);
  expect(rest).toEqual(steps.slice(FIRST));
});

it('a scan ends when the stream has dropped the remaining steps', async () => {
  const scan = await begin(new AbortController().signal);
  await (await jetstreamManager(nats)).streams.purge(BUS.timelineStream);
  expect(await scan.next()).toEqual({ done: true, value: undefined });
});

it('a scan throws when NATS does not send the remaining steps', async () => {
  const scan = await begin(new AbortController().signal);
  const { consumers } = await jetstreamManager(nats);
  for await (const { name } of consumers.list(BUS.timelineStream))
    await consumers.update(BUS.timelineStream, name, { filter_subject: timelineSubject(caller().uuid) });
  await expect(scan.next()).rejects.toThrow('NATS sent no step of DIALHOOK_TIMELINE for 1000 ms');
});

it('a scan throws when the connection is lost and does not come back', async () => {
  const scan = await begin(new AbortController().signal);
  await server.kill();
  await expect(scan.next()).rejects.toThrow('not connected to NATS');
});
