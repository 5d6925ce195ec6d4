import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { LiveCallStream, liveCallSubject } from '#libs/bus/live-call-stream.ts';
import { type LiveCallLimits, LiveCalls } from '#libs/bus/live-calls.ts';
import { subjectToken, tokenText } from '#libs/bus/subject.ts';
import { parseArguments } from '#libs/contract/arguments.ts';
import type { LiveCall } from '#libs/contract/messages.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { trackIn } from '#services/agent/live-call.ts';
import { BusView, eventually } from '#test/support/agent/agent-process.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const LIMITS: LiveCallLimits = { replicas: 1, maxBytes: 8 << 20, maxAgeMs: 3_600_000, maxBuffered: 10_000 };

const call = (uuid: string, node = 'fs1'): LiveCall => ({
  v: 1,
  url: 'http://crm/binding',
  uuid,
  node,
  caller_id_number: '13800138000',
  caller_id_name: '张三',
  destination_number: '0555',
  started: '2026-11-23T18:20:26.595Z',
});

describe('the token of a subject', () => {
  const texts = [
    '',
    '=',
    'fs1',
    'fs.1',
    'fs_1',
    'fs 1',
    'a*b',
    '>',
    '$SYS',
    '张三',
    '😀',
    '=2e',
    '.',
    'É',
    '\n',
  ];

  it.each(texts)('encodes %j without characters that NATS interprets', (text) => {
    expect(subjectToken(text)).toMatch(/^[\w=-]+$/);
    expect(tokenText(subjectToken(text))).toBe(text);
  });

  it('is unique for each text', () => {
    expect(new Set(texts.map(subjectToken)).size).toBe(texts.length);
  });
});

describe('LiveCalls', () => {
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

  async function liveCalls(limits: Partial<LiveCallLimits> = {}) {
    const { log, lines } = recordLog();
    const lifecycle = new Lifecycle(log, 5_000);
    const bus = await Bus.connect(nats.url, 'test', lifecycle, log);
    const live = new LiveCalls(bus, { ...LIMITS, ...limits }, log, new SetAside(log));
    ends.push(async () => {
      await live.drain(AbortSignal.abort());
      await lifecycle.stop();
    });
    return { live, bus, lines };
  }
  async function view() {
    const seen = await BusView.open(nats);
    ends.push(() => seen.close());
    return seen;
  }
  const written = (live: LiveCalls) => eventually(() => live.buffered === 0);

  it('lists the live calls of a node for another agent, and none of other nodes', async () => {
    const { live } = await liveCalls();
    const { live: other } = await liveCalls();
    const all = [call('a'), call('b.c@h~1'), call('d', 'fs.1'), call('e', 'fs_1')];
    await Promise.all(all.map((one) => live.add(one)));
    expect(await other.uuids('fs1')).toEqual(['a', 'b.c@h~1']);
    expect(await other.uuids('fs.1')).toEqual(['d']);
    expect(await other.find('fs1', 'b.c@h~1')).toEqual(call('b.c@h~1'));
    expect(await other.find('fs1', 'd')).toBeUndefined();
  });

  it('lists calls added since the last look, and not those removed', async () => {
    const { live } = await liveCalls();
    const { live: other } = await liveCalls();
    await live.add(call('a'));
    expect(await other.uuids('fs1')).toEqual(['a']);
    await Promise.all([live.add(call('b')), live.add(call('c'))]);
    live.remove(call('b'));
    await written(live);
    expect(await other.uuids('fs1')).toEqual(['a', 'c']);
    expect(await other.uuids('fs1')).toEqual(['a', 'c']);
  });

  it('removes calls of any agent, even twice, and leaves no message', async () => {
    const { live } = await liveCalls();
    const { live: other } = await liveCalls();
    const seen = await view();
    await Promise.all(['a', 'b', 'c'].map((uuid) => live.add(call(uuid))));
    expect(await seen.liveCount()).toBe(3);
    live.remove(call('a'));
    other.remove(call('a'));
    other.remove(call('b'));
    const added = live.add(call('c'));
    live.remove(call('c'));
    live.remove(call('never'));
    await added;
    await written(live);
    await written(other);
    live.remove(call('b'));
    await written(live);
    expect(await seen.liveCount()).toBe(0);
  });

  it('removes a call that the other agent of the node writes again meanwhile', async () => {
    const [one, other] = [await liveCalls(), await liveCalls()];
    const seen = await view();
    const subject = liveCallSubject('fs1', 'a');
    const write = () => new LiveCallStream(other.bus, LIMITS).write(subject, JSON.stringify(call('a')));
    await write();
    let meanwhile: (() => Promise<void>) | undefined = write;
    const stream = new (class extends LiveCallStream {
      override async read(read: string) {
        const stored = await super.read(read);
        await meanwhile?.();
        meanwhile = undefined;
        return stored;
      }
    })(one.bus, LIMITS);
    await stream.delete(subject);
    expect(await seen.liveCount()).toBe(0);
  });

  it('stores one message for a call that is added twice', async () => {
    const { live } = await liveCalls();
    const seen = await view();
    await live.add(call('a'));
    await live.add({ ...call('a'), url: 'http://other/' });
    expect(await seen.live()).toEqual([{ ...call('a'), url: 'http://other/' }]);
  });

  it('resolves when NATS has stored a call, and does not block while NATS is down', async () => {
    const { live, bus } = await liveCalls();
    const seen = await view();
    await live.add(call('a'));
    expect(await seen.liveCount()).toBe(1);
    await nats.kill();
    await eventually(() => !bus.connected);
    await live.add(call('b'));
    expect(live.buffered).toBe(1);
  });

  it('the agent waits until NATS has stored a call with notifications, and deletes it at its end', async () => {
    const { live } = await liveCalls();
    const trackCall = trackIn(live);
    const data = { 'Unique-ID': 'a', 'Event-Date-Timestamp': '0' };
    const request = endpointRequest(data, 'fs1', [], { kind: 'request', reason: 'new' });
    const [notified, silent] = [parseArguments('http://crm/ 1 1 1'), parseArguments('http://crm/ 1 1 0')];
    if (!notified.ok || !silent.ok) throw new Error('no arguments');
    await trackCall(data, request, notified.endpoint);
    expect([live.buffered, live.knows('fs1', 'a')]).toEqual([0, true]);
    await trackCall(data, request, silent.endpoint);
    await written(live);
    expect(await live.uuids('fs1')).toEqual([]);
  });

  it('buffers calls while NATS is down, bounded and counted, and drops those that end meanwhile', async () => {
    const { live, bus, lines } = await liveCalls({ maxBuffered: 5 });
    await live.add(call('before'));
    await nats.kill();
    await eventually(() => !bus.connected);
    await Promise.all(Array.from({ length: 8 }, (_, n) => live.add(call(`call${n}`))));
    expect([live.buffered, live.dropped]).toEqual([5, 3]);
    expect(live.trouble).toBe('not connected to NATS');
    expect(lines.filter(({ event }) => event === 'live_call.dropped')).toMatchObject([
      { call: expect.stringMatching(/^\S/), node: 'fs1', setting: 'MAX_BUFFERED_LIVE_CALLS' },
    ]);
    live.remove(call('call0'));
    live.remove(call('call1'));
    expect(live.buffered).toBe(3);
    await live.add(call('late'));
    nats = await startNats({ port: nats.port, storeDir: nats.storeDir });
    await written(live);
    expect(live.trouble).toBeUndefined();
    const { live: other } = await liveCalls();
    expect((await other.uuids('fs1')).toSorted()).toEqual(['before', 'call2', 'call3', 'call4', 'late']);
  });

  it('recreates a stream that was lost', async () => {
    const { live, bus } = await liveCalls();
    await Promise.all(Array.from({ length: 10 }, (_, n) => live.add(call(`old${n}`))));
    expect(await live.uuids('fs1')).toHaveLength(10);
    const { port } = nats;
    await nats.stop();
    await eventually(() => !bus.connected);
    nats = await startNats({ port });
    await live.add(call('new'));
    await written(live);
    expect(await live.uuids('fs1')).toEqual(['new']);
    live.remove(call('old0'));
    await written(live);
    expect(await live.uuids('fs1')).toEqual(['new']);
  });

  it('keeps stored calls and reports an error when the stream is full', async () => {
    const { live } = await liveCalls({ maxBytes: 1 << 20 });
    const seen = await view();
    const large = (uuid: string): LiveCall => ({ ...call(uuid), caller_id_name: '名'.repeat(64 << 10) });
    await Promise.all(Array.from({ length: 6 }, (_, n) => live.add(large(`call${n}`))));
    await eventually(() => live.trouble !== undefined && live.buffered === 1);
    expect(live.trouble).toMatch(/maximum bytes exceeded/);
    const there = (await seen.live()).map(({ uuid }) => uuid);
    expect(there).toEqual(['call0', 'call1', 'call2', 'call3', 'call4']);
    live.remove(call('call0'));
    await written(live);
    expect(live.trouble).toBeUndefined();
    expect(await live.uuids('fs1')).toEqual(['call1', 'call2', 'call3', 'call4', 'call5']);
  });

  it('reads ten thousand calls', async () => {
    const { live } = await liveCalls();
    const uuids = Array.from({ length: 10_000 }, (_, n) => `call${n}`);
    await Promise.all(uuids.map((uuid) => live.add(call(uuid))));
    await written(live);
    const { live: other } = await liveCalls();
    expect(await other.uuids('fs1')).toEqual(uuids);
  });
});
