import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import type { LimitBounds } from '#libs/contract/call-limits.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { crowd, LIMIT, startPlaces, type TestPlaces, want } from '#test/support/agent/places.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

describe('the places of limits', () => {
  let nats: NatsServer;
  let ends: (() => Promise<void>)[];

  beforeEach(async () => {
    nats = await startNats();
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    await nats.stop();
  });

  async function agent(name = 'fs1', leaseMs = 60_000, rereadMs = 60_000): Promise<TestPlaces> {
    const started = await startPlaces(nats.url, { name, leaseMs, rereadMs });
    ends.push(started.crash);
    started.places.start(true);
    await until('the stream is read', () => started.places.hasRead);
    return started;
  }

  async function view(): Promise<Bus> {
    const { log } = recordLog();
    const lifecycle = new Lifecycle(log, 5_000);
    const bus = await Bus.connect(nats.url, 'test', lifecycle, log);
    ends.push(() => lifecycle.stop());
    return bus;
  }

  const sees = (one: TestPlaces, count: number) =>
    until(`${count} places are used`, () => one.used() === count);
  const takeAll = async (all: readonly TestPlaces[], calls: number, bounds: LimitBounds) =>
    (
      await Promise.all(
        Array.from({ length: calls }, (_, at) => all[at % all.length]?.places.take([want(`c${at}`, bounds)])),
      )
    ).flatMap((verdicts) => verdicts ?? []);

  it('lets exactly as many calls in as the limit allows, whichever agents they reach at once', async () => {
    const agents = await Promise.all(['fs1', 'fs2', 'fs3'].map((name) => agent(name)));
    const verdicts = await takeAll(agents, 90, { max: 30 });
    expect(verdicts.filter((verdict) => verdict === 'taken')).toHaveLength(30);
    expect(verdicts.filter((verdict) => verdict === 'max')).toHaveLength(60);
    for (const one of agents) await sees(one, 30);
  });

  it('lets exactly as many new calls in per second as the limit allows', async () => {
    const agents = await Promise.all(['fs1', 'fs2'].map((name) => agent(name)));
    const verdicts = await takeAll(agents, 40, { rate: 10 });
    expect(verdicts.filter((verdict) => verdict === 'taken')).toHaveLength(10);
    expect(verdicts.filter((verdict) => verdict === 'rate')).toHaveLength(30);
  });

  it('counts the calls of the last second also when it has read the stream again', async () => {
    const { places } = await agent('fs1', 60_000, 200);
    for (let call = 0; ; call++) {
      const { view } = places;
      const one = want(`c${call}`, { rate: 1_000 });
      await places.take([one]);
      places.free([one]);
      await until('the changes are stored', () => places.buffered === 0);
      await until('the stream is read again', () => places.view !== view);
      // Both views have the same clock. Otherwise the stream was read meanwhile, or too late.
      if (view.usage(LIMIT).recent === 0) continue;
      expect(places.view.usage(LIMIT).recent).toBeGreaterThan(0);
      return;
    }
  });

  it('gives a place that was freed to the next call, of any agent', async () => {
    const [one, other] = [await agent('fs1'), await agent('fs2')];
    expect(await one.places.take([want('a', { max: 1 })])).toEqual(['taken']);
    expect(await other.places.take([want('b', { max: 1 }, 'fs2')])).toEqual(['max']);
    one.places.free([want('a', {})]);
    await sees(other, 0);
    expect(await other.places.take([want('c', { max: 1 }, 'fs2')])).toEqual(['taken']);
  });

  it('keeps the places of a crashed agent, and lets the next one free them', async () => {
    const [one, other] = [await agent('fs1'), await agent('fs2')];
    await one.places.take([want('a', { max: 2 }), want('b', { max: 2 })]);
    await one.crash();
    expect(await other.places.take([want('c', { max: 2 }, 'fs2')])).toEqual(['max']);
    const next = await agent('fs1');
    next.places.start();
    await sees(next, 2);
    expect(next.places.view.owners('fs1')).toEqual(['a', 'b']);
    expect(next.places.view.owners('fs2')).toEqual([]);
    next.places.free(next.places.view.placesOf('a'));
    await sees(other, 1);
    expect(await other.places.take([want('c', { max: 2 }, 'fs2')])).toEqual(['taken']);
  });

  it('no longer counts the calls of a node without an agent, and counts them again when it is back', async () => {
    const [one, other] = [await agent('fs1', 1_200), await agent('fs2', 1_200)];
    await one.places.take([want('a', { max: 1 })]);
    await other.places.take([want('z', { max: 1 }, 'fs2', 'gw:other')]);
    let beats = 0;
    const watcher = await view();
    watcher.nats.subscribe('dialhook.limits.node.fs1', { callback: () => void beats++ });
    await until('heartbeats of two leases have come', () => beats >= 2 * 6);
    expect(other.used()).toBe(1);
    one.node.up = false;
    await sees(other, 0);
    expect(await other.places.take([want('b', { max: 1 }, 'fs2')])).toEqual(['taken']);
    one.node.up = true;
    await sees(other, 2);
  });

  it('no longer counts the calls of a lost node, also when the stream is read again within the lease', async () => {
    const [one, other] = [await agent('fs1', 1_200), await agent('fs2', 1_200, 200)];
    await one.places.take([want('a', { max: 1 })]);
    await sees(other, 1);
    one.node.up = false;
    await sees(other, 0);
    expect(await other.places.take([want('b', { max: 1 }, 'fs2')])).toEqual(['taken']);
  });

  it('admits unchecked while NATS is down, and counts these calls when it is back', async () => {
    const [one, other] = [await agent('fs1'), await agent('fs2')];
    await one.places.take([want('a', { max: 1 })]);
    other.places.start();
    await sees(other, 1);
    await nats.kill();
    await until('the agent notices', () => one.lines.some(({ event }) => event === 'nats.connection_lost'));
    expect(await one.places.take([want('b', { max: 5 })])).toEqual(['unchecked']);
    one.places.free([want('a', {})]);
    nats = await startNats({ port: nats.port, storeDir: nats.storeDir });
    await until('the changes are stored', () => one.places.buffered === 0);
    await until('only the later call is counted', () => other.places.view.owners('fs1').join() === 'b');
  });

  it('sends JetStream at most 256 changes at once, and all in the end', async () => {
    const one = await agent();
    await one.places.take([want('first', { max: 1_000 })]);
    const before = one.sent();
    nats.pause();
    const verdicts = await takeAll([one], 600, { max: 1_000 });
    const sent = one.sent() - before;
    nats.resume();
    expect(new Set(verdicts)).toEqual(new Set(['unchecked']));
    expect(sent).toBeGreaterThanOrEqual(256);
    expect(sent).toBeLessThan(300);
    await sees(one, 601);
    await until('all are stored', () => one.places.buffered === 0);
  });

  it('never lets more calls in than the limit allows, and counts none at the end, also when NATS restarts', async () => {
    const MAX = 8;
    const agents = await Promise.all(['fs1', 'fs2', 'fs3'].map((name) => agent(name)));
    const disturb = async () => {
      await nats.kill();
      nats = await startNats({ port: nats.port, storeDir: nats.storeDir });
    };
    const { most, verdicts } = await crowd(agents, MAX, { disturb });
    expect(most).toBeLessThanOrEqual(MAX);
    expect(verdicts.taken).toBeGreaterThan(0);
    expect(verdicts.max).toBeGreaterThan(0);
    for (const one of agents) {
      await until('all changes are stored', () => one.places.buffered === 0);
      await sees(one, 0);
      expect(one.places.view.size).toBe(0);
    }
  });

  it('leaves no message of freed places in a reader that starts later', async () => {
    const one = await agent('fs1');
    await takeAll([one], 20, { max: 20 });
    for (const owner of one.places.view.owners('fs1')) one.places.free(one.places.view.placesOf(owner));
    await until('all are stored', () => one.places.buffered === 0);
    const other = await agent('fs2');
    await other.places.take([want('z', { max: 1 }, 'fs2', 'gw:other')]);
    expect(other.used()).toBe(0);
  });
});
