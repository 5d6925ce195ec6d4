import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClosedError, CommandError } from '#libs/esl/event-socket.ts';
import {
  type FreeSwitchEvent,
  InboundConnection,
  type InboundOptions,
  reconnectDelayMs,
} from '#libs/esl/inbound.ts';
import { UnsafeValueError } from '#libs/esl/text.ts';
import { eventFrame, OK, type Peer, PeerServer, reply, withBody } from '#test/support/esl/peer.ts';
import { framesOf, recorded, recordedCommands, recordedEvents } from '#test/support/esl/recordings.ts';
import { until } from '#test/support/until.ts';

const AUTH_REQUEST = 'Content-Type: auth/request\n\n';
const SUBSCRIBE = ['event json CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE', 'filter variable_dialhook_call /.+/'];

let freeSwitch: PeerServer;
let connection: InboundConnection | undefined;
let events: FreeSwitchEvent[];
let seen: string[];

beforeEach(async () => {
  freeSwitch = await PeerServer.listen();
  events = [];
  seen = [];
});

afterEach(async () => {
  vi.useRealTimers();
  connection?.close();
  await freeSwitch.close();
});

function connect(options: Partial<InboundOptions> = {}): InboundConnection {
  connection = new InboundConnection({
    host: '127.0.0.1',
    port: freeSwitch.port,
    user: undefined,
    password: 'ClueCon',
    events: ['CHANNEL_ANSWER', 'CHANNEL_HANGUP_COMPLETE'],
    filters: [['variable_dialhook_call', '/.+/']],
    onEvent: (event) => events.push(event),
    onUp: () => seen.push('up'),
    onDown: (error) => seen.push(`down: ${error.message}`),
    onFault: (error) => seen.push(`fault: ${error.name}`),
    random: () => 0,
    ...options,
  });
  return connection;
}

async function logIn(): Promise<Peer> {
  const peer = await freeSwitch.peer();
  peer.write(AUTH_REQUEST);
  await peer.answer(reply('+OK accepted'), OK, OK);
  const ups = seen.filter((one) => one === 'up').length;
  await until(() => seen.filter((one) => one === 'up').length > ups || connection?.up === true);
  return peer;
}

describe('login', () => {
  it('logs in and subscribes with the recorded commands', async () => {
    const [, event = ''] = recordedCommands('answered', 'inbound.from-agent');
    connect({ events: event.split(' ').slice(2) });
    const peer = await freeSwitch.peer();
    const [authRequest = '', ...replies] = framesOf(recorded('answered', 'inbound.from-freeswitch'));
    peer.write(authRequest);
    await peer.answer(...replies.slice(0, 3));
    peer.write(...replies.slice(3));
    await until(() => events.length === recordedEvents('answered').length);
    expect(peer.commands).toEqual(recordedCommands('answered', 'inbound.from-agent'));
    expect(events).toEqual(recordedEvents('answered'));
    expect(seen).toEqual(['up']);
  });

  it('uses userauth for a directory user', async () => {
    connect({ user: 'agent@pbx', password: 'secret' });
    const peer = await logIn();
    expect(peer.commands).toEqual(['userauth agent@pbx:secret', ...SUBSCRIBE]);
  });

  it('sends nothing before auth/request', async () => {
    connect();
    const peer = await freeSwitch.peer();
    peer.write(eventFrame({}));
    await until(() => events.length === 1);
    expect(peer.commands).toEqual([]);
    expect(connection?.up).toBe(false);
  });

  it.each([
    ['refused', AUTH_REQUEST, [reply('-ERR invalid')], 'FreeSWITCH refused the login'],
    ['refused its events', AUTH_REQUEST, [reply('+OK accepted'), reply('-ERR no'), OK], 'event: no'],
    [
      'refused by the access list',
      withBody('text/rude-rejection', 'Access Denied, go away.\n'),
      [],
      'FreeSWITCH refused this address: Access Denied, go away.',
    ],
  ])('that is %s is reported once, and retried with growing delays', async (_, first, answers, words) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    connect();
    for (const wait of [100, 200, 400]) {
      const peer = await freeSwitch.peer();
      const { connections } = freeSwitch;
      peer.write(first);
      await peer.answer(...answers);
      await peer.closed;
      await until(() => vi.getTimerCount() === 1);
      expect(seen).toEqual([`down: ${words}`]);
      vi.advanceTimersByTime(wait - 1);
      expect(vi.getTimerCount()).toBe(1);
      expect(freeSwitch.connections).toBe(connections);
      vi.advanceTimersByTime(1);
    }
    await logIn();
    expect(seen).toEqual([`down: ${words}`, 'up']);
  });

  it('closes a connection that never requests authentication', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    connect();
    const peer = await freeSwitch.peer();
    peer.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    vi.advanceTimersByTime(5_000);
    await peer.closed;
    await until(() => seen.length > 0);
    expect(seen).toEqual(['down: no login within 5 s']);
  });

  it('succeeds when FreeSWITCH starts later', async () => {
    const { port } = freeSwitch;
    await freeSwitch.close();
    connect({ port });
    await until(() => seen.length > 0);
    expect(seen).toEqual([`down: connect ECONNREFUSED 127.0.0.1:${port}`]);
    freeSwitch = await PeerServer.listen(port);
    await logIn();
    expect(connection?.up).toBe(true);
  });
});

describe('a lost connection', () => {
  it.each(['end', 'reset'] as const)('is replaced and subscribed again after %s', async (how) => {
    connect();
    for (let n = 1; n <= 3; n++) {
      const peer = await logIn();
      expect(peer.commands).toEqual(['auth ClueCon', ...SUBSCRIBE]);
      peer.write(eventFrame({ n: String(n) }));
      await until(() => events.length === n);
      peer[how]();
      await until(() => connection?.up === false);
    }
    expect(seen.filter((one) => one === 'up')).toHaveLength(3);
    expect(seen.filter((one) => one.startsWith('down: '))).toHaveLength(3);
  });

  it('rejects commands without a reply', async () => {
    const inbound = connect();
    const peer = await logIn();
    const waiting = [inbound.api('status'), inbound.api('version')];
    const results = Promise.allSettled(waiting);
    await peer.command();
    peer.reset();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(inbound.api('status')).rejects.toThrow(new ClosedError('not logged in to FreeSWITCH'));
  });

  it('is reopened after invalid bytes', async () => {
    connect();
    const peer = await logIn();
    peer.write('Content-Type: text/event-json\nContent-Length: many\n\n');
    await peer.closed;
    await logIn();
    expect(seen).toEqual(['up', 'down: Content-Length is not a number from 0 to 67108864', 'up']);
  });
});

describe('api', () => {
  it('resolves each command with its own reply, with refusals and events in between', async () => {
    const inbound = connect();
    const peer = await logIn();
    const answers = [
      inbound.api('one'),
      inbound.api('two').catch(String),
      inbound.api('three'),
      inbound.api('four'),
    ];
    await peer.answer(
      withBody('api/response', '张三 100%'),
      reply('-ERR command not found'),
      Buffer.concat([eventFrame({ a: 'b' }), withBody('api/response', '3')]),
      withBody('api/response', ''),
    );
    expect(await Promise.all(answers)).toEqual([
      '张三 100%',
      'CommandError: api: command not found',
      '3',
      '',
    ]);
    expect(events).toEqual([{ a: 'b' }]);
  });

  it('rejects for a reply that starts with -ERR', async () => {
    const inbound = connect();
    const peer = await logIn();
    const answer = inbound.api('uuid_kill x');
    await peer.answer(withBody('api/response', '-ERR No such channel!\n'));
    await expect(answer).rejects.toThrow(new CommandError('api: No such channel!'));
  });

  it('refuses a line end and sends nothing', async () => {
    const inbound = connect();
    const peer = await logIn();
    await expect(inbound.api('status\n\napi fsctl shutdown')).rejects.toThrow(UnsafeValueError);
    const answer = inbound.api('status');
    await peer.answer(withBody('api/response', 'fine'));
    expect(await answer).toBe('fine');
    expect(peer.commands.slice(3)).toEqual(['api status']);
  });
});

describe('events', () => {
  it('keep lists and decode GBK text', async () => {
    connect();
    const peer = await logIn();
    const name = Buffer.from('815c5c', 'hex');
    peer.write(
      eventFrame({ list: ['a', 'b'] }),
      withBody(
        'text/event-json',
        Buffer.concat([Buffer.from('{"name":"'), name, Buffer.from('","city":"北京"}')]),
      ),
    );
    await until(() => events.length === 2);
    expect(events).toEqual([{ list: ['a', 'b'] }, { name: '乗', city: '北京' }]);
    expect(seen).toEqual(['up']);
  });

  it('that are invalid are reported, and the next one arrives', async () => {
    connect();
    const peer = await logIn();
    peer.write(withBody('text/event-json', '{"a":'), eventFrame({ a: 'b' }));
    await until(() => events.length === 1);
    expect(seen).toEqual(['up', 'fault: SyntaxError']);
  });

  it('whose handler throws are reported, and the next one arrives', async () => {
    const handled: unknown[] = [];
    connect({
      onEvent: (event) => {
        handled.push(event);
        throw new TypeError('a handler');
      },
    });
    const peer = await logIn();
    peer.write(eventFrame({ n: '1' }), eventFrame({ n: '2' }));
    await until(() => handled.length === 2);
    expect(seen).toEqual(['up', 'fault: TypeError', 'fault: TypeError']);
    expect(connection?.up).toBe(true);
  });
});

describe('close', () => {
  it('closes the connection and does not reconnect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const inbound = connect();
    const peer = await logIn();
    inbound.close();
    await peer.closed;
    await expect(inbound.api('status')).rejects.toThrow(ClosedError);
    expect(vi.getTimerCount()).toBe(0);
    expect(seen).toEqual(['up']);
  });

  it('handles what has arrived before it ends, and reports no lost connection', async () => {
    const inbound = connect({ batchMs: 3_600_000 });
    const peer = await logIn();
    peer.write(eventFrame({ 'Event-Name': 'CHANNEL_ANSWER' }));
    peer.socket.end();
    await pause(20);
    await inbound.finish();
    await peer.closed;
    expect(events.map((event) => event['Event-Name'])).toEqual(['CHANNEL_ANSWER']);
    expect(seen).toEqual(['up']);
  });

  it('cancels a pending reconnect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const inbound = connect();
    (await freeSwitch.peer()).reset();
    await until(() => seen.length === 1);
    inbound.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('during the first event stops a login', async () => {
    const inbound = connect({ onEvent: () => inbound.close() });
    const peer = await freeSwitch.peer();
    peer.write(AUTH_REQUEST);
    await peer.answer(reply('+OK accepted'), '', Buffer.concat([Buffer.from(OK + OK), eventFrame({})]));
    await peer.closed;
    expect(inbound.up).toBe(false);
    expect(seen).toEqual([]);
  });

  it('stops a login that is in progress', async () => {
    const inbound = connect();
    const peer = await freeSwitch.peer();
    peer.write(AUTH_REQUEST);
    await peer.answer(reply('+OK accepted'));
    await peer.command();
    inbound.close();
    await peer.closed;
    expect(inbound.up).toBe(false);
    expect(seen).toEqual([]);
  });
});

describe('reconnectDelayMs', () => {
  it.each([
    [1, 0, 100],
    [1, 0.5, 150],
    [2, 0, 200],
    [6, 0, 3_200],
    [7, 0, 5_000],
    [7, 1, 10_000],
    [101, 0.5, 7_500],
    [5_000, 1, 10_000],
  ])('after %i failures with random %d is %i ms', (failures, random, ms) =>
    expect(reconnectDelayMs(failures, random)).toBe(ms),
  );
});

describe('batches', () => {
  it('reads replies at once, and the events that have arrived with readNow', async () => {
    const inbound = connect({ batchMs: 3_600_000 });
    const peer = await logIn();
    const pong = inbound.api('uuid_exists x');
    await peer.answer(withBody('api/response', 'false'));
    expect(await pong).toBe('false');
    peer.write(eventFrame({ 'Event-Name': 'CHANNEL_ANSWER' }));
    await until(async () => {
      await inbound.readNow();
      return events.length === 1;
    });
  });
});
