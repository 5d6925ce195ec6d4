import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { ensureTimelineStream, TimelinePublisher, timelineSubject } from '#libs/bus/timeline.ts';
import { TimelineFollower } from '#libs/bus/timeline-reader.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { ServiceStatus } from '#libs/contract/status.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { type DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { deadLetterKeys, endpointKey, knownEndpointsKey } from '#libs/queue/keys.ts';
import { type ConsoleHarness, startHarness } from '#test/support/console/harness.ts';
import { attempted, caller, publish, received } from '#test/support/console/steps.ts';
import { recordLog } from '#test/support/log.ts';
import { letterOf } from '#test/support/notifier/progress.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const GOOD = 1_000;

it('a step that is invalid or cannot be applied is set aside; the timeline of the others is read once', async () => {
  const nats = await startNats();
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(nats.url, 'console', lifecycle, log);
  await ensureTimelineStream(bus, { replicas: 1, maxBytes: 1 << 24, maxAgeMs: 60_000 });
  const timeline = new TimelinePublisher(bus, { by: 'agent@test', enabled: true, numbers: 'full' });
  const add = (uuid: string) =>
    timeline.add({
      step: 'decided',
      uuid,
      node: 'fs1',
      time: new Date().toISOString(),
      result: 'decided',
      ms: 1,
      applications: [],
    });
  const good = Array.from({ length: GOOD }, () => randomUUID());
  const unusable = randomUUID();
  for (const uuid of good.slice(0, GOOD / 2)) add(uuid);
  timeline.flush();
  for (const text of ['', '{', '{"v":1,"uuid":"bad"}', 'null'])
    bus.nats.publish(timelineSubject('bad'), text);
  // A subject that the server does not accept is dropped here; the server would end the connection.
  add('u'.repeat(5_000));
  add(unusable);
  for (const uuid of good.slice(GOOD / 2)) add(uuid);
  timeline.flush();
  await bus.nats.flush();
  const seen: string[] = [];
  let restarts = 0;
  const follower = new TimelineFollower(
    bus,
    log,
    new SetAside(log),
    ({ uuid }) => {
      if (uuid === unusable) throw new Error('a fault');
      seen.push(uuid);
    },
    () => restarts++,
  );
  await until(() => follower.caughtUp);
  expect(seen).toEqual(good);
  expect(restarts).toBe(1);
  expect(timeline.dropped).toBe(1);
  const aside = lines.filter(({ event }) => event === 'entry.set_aside');
  expect(aside.map(({ call }) => call)).toEqual([undefined, undefined, 'bad', undefined, unusable]);
  expect(lines.filter(({ event }) => event === 'nats.connection_lost')).toEqual([]);
  follower.close();
  await lifecycle.stop();
  await nats.stop();
});

describe('in a running console', () => {
  let harness: ConsoleHarness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());
  const json = async (path: string) => (await harness.get(path)).json();

  it('a status that is invalid is set aside; the processes of the others are listed', async () => {
    const status = (instance: string): ServiceStatus => ({
      v: 1,
      service: 'router',
      instance,
      version: '1',
      time: '2026-11-23T18:20:26.595Z',
      started: '2026-11-23T18:20:26.595Z',
      ready: true,
      checks: {},
      figures: {},
    });
    const text = (instance: string) => JSON.stringify(status(instance));
    const good = Array.from({ length: GOOD }, (_, n) => `router@${n}`);
    const poison = ['', '{', 'null', '{"v":1,"service":"router","time":"9999999-01-01"}'];
    const half = GOOD / 2;
    const listed = async () => {
      const { services } = (await json('/api/nodes')) as { services: { instance: string }[] };
      return new Set(services.map(({ instance }) => instance));
    };
    await until('the console receives status messages', async () => (await listed()).size > 0);
    for (const one of [...good.slice(0, half).map(text), ...poison, ...good.slice(half).map(text)])
      harness.nats.publish(BUS.status, one);
    await harness.nats.flush();
    await until('all are listed', async () => {
      const all = await listed();
      return good.every((instance) => all.has(instance));
    });
    const aside = harness.lines.filter(({ event }) => event === 'entry.set_aside');
    expect(aside).toHaveLength(poison.length);
    expect(harness.lifecycle.health().checks['entries']).toMatch(/^4 of kind nats_message/);
  });

  it('a step of a call that is invalid is left out; the others of the call are shown', async () => {
    const call = caller();
    const good = Array.from({ length: GOOD }, (_, n) => attempted(call, 'ring', n, n + 1));
    publish(harness.nats, [received(call), ...good.slice(0, GOOD / 2)]);
    for (const text of ['', '{', 'null', '{"v":1}']) harness.nats.publish(timelineSubject(call.uuid), text);
    publish(harness.nats, good.slice(GOOD / 2));
    await harness.nats.flush();
    await until('all steps are shown', async () => {
      const { steps } = (await json(`/api/calls/${call.uuid}`)) as { steps: unknown[] };
      return steps.length === GOOD + 1;
    });
  });

  it('endpoints and dead letters that cannot be read are left out or shown in part; the others are listed', async () => {
    const { redis } = harness;
    const origins = Array.from({ length: GOOD }, (_, n) => `http://good-${n}`);
    const fields = { failing_since: '1', failures: '1', error: 'x' };
    await Promise.all(origins.map((origin) => redis.hset(endpointKey('dialhook', origin), fields)));
    await redis.sadd(knownEndpointsKey('dialhook'), ...origins);
    const corrupt: Record<string, string>[] = [
      { failing_since: 'NaN' },
      { failing_since: '1e30', failures: '-1' },
      { state: 'x', probe_from: '1e300' },
      { state: 'disabled', disabled_since: '', by: 'x' },
    ];
    for (const [n, bad] of corrupt.entries()) {
      await redis.hset(endpointKey('dialhook', `http://bad-${n}`), bad);
      await redis.sadd(knownEndpointsKey('dialhook'), `http://bad-${n}`);
    }
    await redis.set(endpointKey('dialhook', 'http://string'), 'x');
    await redis.sadd(knownEndpointsKey('dialhook'), 'http://string');
    const { endpoints } = (await json('/api/endpoints')) as { endpoints: { origin: string }[] };
    const listed = endpoints.map(({ origin }) => origin);
    expect(listed).toEqual(expect.arrayContaining(origins));
    expect(listed).toHaveLength(GOOD + corrupt.length);

    const letters = new DeadLetters(redis, 'dialhook');
    const { letters: hash, times } = deadLetterKeys('dialhook');
    const good = Array.from({ length: 300 }, (_, n) => letterOf('http://good/', n));
    await Promise.all(good.map((letter) => letters.keep(letter)));
    const [first] = good as [DeadLetter];
    const texts = ['', '{', 'null', '[]', JSON.stringify({ ...first, id: 'other' })];
    const badTimes = [1e300, 'soon', null].map((time, n) => JSON.stringify({ ...first, id: `t${n}`, time }));
    for (const [n, text] of [...texts, ...badTimes].entries()) {
      // The newest, so that they are in the first page.
      const id = text.includes('"t') ? `t${n - texts.length}` : `bad-${n}`;
      await redis.hset(hash, id, text);
      await redis.zadd(times, 2_000_000_000_000, id);
    }
    const found = (await json('/api/dead-letters?limit=300')) as { dead_letters: { id: string }[] };
    expect(found.dead_letters.map(({ id }) => id).toSorted()).toEqual(good.map(({ id }) => id).toSorted());
  });
});
