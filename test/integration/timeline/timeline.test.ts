import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { ensureTimelineStream, TimelinePublisher, timelineSubject } from '#libs/bus/timeline.ts';
import type { Step } from '#libs/bus/timeline-step.ts';
import { BUS } from '#libs/contract/messages.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { startTestAgent } from '#test/support/agent/agent.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const log = createLog('test', { level: 'silent' });
const LIMITS = { replicas: 1, maxBytes: 2 ** 20, maxAgeMs: 60_000 };
const ENABLED = { by: 'agent@test', enabled: true, numbers: 'full' } as const;
let nats: NatsServer;
let bus: Bus;
let lifecycle: Lifecycle;

beforeEach(async () => {
  nats = await startNats();
  lifecycle = new Lifecycle(log, 5_000);
  bus = await Bus.connect(nats.url, 'agent', lifecycle, log);
});
afterEach(async () => {
  await lifecycle.stop();
  await nats.stop();
});

const decided = (uuid: string, ...applications: string[]): Step => ({
  step: 'decided',
  uuid,
  node: 'fs1',
  time: new Date().toISOString(),
  result: 'decided',
  ms: 1,
  applications,
});
const stream = async () => (await jetstreamManager(bus.nats)).streams;
const kept = async () => (await (await stream()).info(BUS.timelineStream)).state;

describe('the timeline', () => {
  it('is kept, a call by its subject, up to its size, the oldest steps giving way', async () => {
    await ensureTimelineStream(bus, LIMITS);
    const timeline = new TimelinePublisher(bus, ENABLED);
    const uuids = Array.from({ length: 400 }, () => randomUUID());
    for (const uuid of uuids) timeline.add(decided(uuid, 'x'.repeat(10_000)));
    timeline.flush();
    await bus.nats.flush();
    await until(async () => expect((await kept()).last_seq).toBe(400));
    const { bytes, messages } = await kept();
    expect(bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
    expect(messages).toBeGreaterThan(50);
    const last = uuids.at(-1) as string;
    const found = await (await stream()).getMessage(BUS.timelineStream, {
      last_by_subj: timelineSubject(last),
    });
    expect(found?.json()).toMatchObject({ v: 1, by: 'agent@test', uuid: last, step: 'decided' });
    expect(timeline.dropped).toBe(0);
  });

  it('is brought to other limits', async () => {
    await ensureTimelineStream(bus, LIMITS);
    await ensureTimelineStream(bus, { ...LIMITS, maxBytes: 2 ** 21 });
    expect((await (await stream()).info(BUS.timelineStream)).config.max_bytes).toBe(2 ** 21);
  });

  it('is written a moment later, together', async () => {
    const seen: string[] = [];
    bus.nats.subscribe(timelineSubject('x'), { callback: (_, message) => void seen.push(message.string()) });
    const timeline = new TimelinePublisher(bus, ENABLED);
    const published = vi.spyOn(bus.nats, 'publish');
    timeline.add(decided('x'));
    timeline.add(decided('x'));
    expect(published).not.toHaveBeenCalled();
    await until(() => expect(published).toHaveBeenCalledTimes(2));
    await bus.nats.flush();
    expect(seen).toHaveLength(2);
  });

  it('is written without waiting for the timer when a batch is full', async () => {
    const timeline = new TimelinePublisher(bus, ENABLED);
    const published = vi.spyOn(bus.nats, 'publish');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      for (let i = 0; i < 63; i++) timeline.add(decided('x'));
      await turn();
      expect(published).not.toHaveBeenCalled();
      timeline.add(decided('x'));
      expect(published).not.toHaveBeenCalled();
      await turn();
      expect(published).toHaveBeenCalledTimes(64);
    } finally {
      vi.useRealTimers();
    }
  });

  it('says nothing when it is off', async () => {
    const published = vi.spyOn(bus.nats, 'publish');
    const timeline = new TimelinePublisher(bus, { ...ENABLED, enabled: false });
    timeline.add(decided('x'));
    timeline.flush();
    expect(published).not.toHaveBeenCalled();
  });

  it('drops and counts steps while NATS is disconnected, that are too large, or too many at once', async () => {
    const timeline = new TimelinePublisher(bus, ENABLED);
    timeline.add(decided('x', 'y'.repeat(2 ** 21)));
    timeline.flush();
    expect(timeline.dropped).toBe(1);
    for (let i = 0; i < 10_005; i++) timeline.add(decided('x'));
    expect(timeline.dropped).toBe(6);
    timeline.flush();
    await nats.kill();
    await until(() => expect(bus.connected).toBe(false));
    timeline.add(decided('x'));
    timeline.flush();
    expect(timeline.dropped).toBe(7);
  });

  it('does not delay a call while NATS is away', async () => {
    const agent = await startTestAgent(nats.url, { ACCEPT_WITHOUT_NATS: 'on' });
    await nats.kill();
    await until(() => expect(agent.bus.connected).toBe(false));
    const call = await FreeSwitchCall.place(agent.port, { variables: { cti_bridge: 'http://crm/' } });
    await call.released();
    expect(call.variables.get('dialhook_result')).toBe('no_router');
    await until(() => expect(agent.timeline.dropped).toBe(2));
    await agent.stop();
  });

  it('buffers no more than its bound while NATS does not read, and continues afterwards', async () => {
    const timeline = new TimelinePublisher(bus, ENABLED);
    nats.pause();
    const before = bus.nats.stats().outBytes;
    for (let i = 0; i < 300; i++) timeline.add(decided('x', 'y'.repeat(100_000)));
    timeline.flush();
    expect(bus.nats.stats().outBytes - before).toBeLessThan(8.5 * 2 ** 20);
    expect(timeline.dropped).toBeGreaterThan(200);
    nats.resume();
    await bus.nats.flush();
    await turn();
    const { dropped } = timeline;
    timeline.add(decided('x'));
    timeline.flush();
    expect(timeline.dropped).toBe(dropped);
  });
});
