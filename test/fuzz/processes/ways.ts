import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { BUS, DecisionReply } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { hangupEvent } from '#test/support/esl/fake-freeswitch.ts';
import { channelData, OK, withBody } from '#test/support/esl/peer.ts';
import { ringing } from '#test/support/notifier/progress.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import { hostileText, mutateBytes, mutateObject, type Random } from './mutate.ts';
import { redisWay } from './redis.ts';
import type { Way } from './way.ts';

/** A stream that is cut leaves the agent waiting; its connection is closed after this time. */
const CALL_MS = 600;
const VARIABLES = [
  'dialhook_attempt',
  'dialhook_caller',
  'dialhook_call',
  'dialhook_entry',
  'originated_legs',
  'sip_h_X-A',
];
const MICROS = '1795458426595100';

const channel = (random: Random): Record<string, string> => ({
  'Unique-ID': random.uuid(),
  'Event-Date-Timestamp': MICROS,
  'FreeSWITCH-Switchname': 'fs1',
  'Caller-Caller-ID-Number': '1000',
  'Caller-Caller-ID-Name': "张三 O'Brien 100%",
  'Caller-Destination-Number': '2000',
  'Caller-Context': 'default',
  'Caller-Network-Addr': '10.0.0.1',
  'Caller-Channel-Created-Time': MICROS,
  variable_sip_call_id: 'a@b',
});

/** Channel ids of all calls: the endpoint cannot distinguish two calls with one id, such as `0`. */
const usedIds = new Set<string>();

const outbound: Way = {
  name: 'process-outbound',
  what: 'mutated streams of the socket application (port 8084)',
  atOnce: 64,
  open: async (target) => ({
    close: () => {},
    run: async (random) => {
      const headers = channel(random);
      for (let n = random.below(3); n > 0; n--)
        headers[random.pick(Object.keys(headers))] = hostileText(random);
      const id = headers['Unique-ID'] ?? '';
      if (usedIds.has(id)) headers['Unique-ID'] = random.uuid();
      usedIds.add(id);
      const bridge = random.chance(0.1) ? hostileText(random) : `${target.url} 3000 3000 ${random.below(2)}`;
      const variables = {
        cti_bridge: bridge.replaceAll('\n', ' '),
        ...(random.chance(0.2)
          ? { [random.pick(VARIABLES)]: hostileText(random).replaceAll('\n', ' ') }
          : {}),
      };
      const values = Object.entries(variables).map(([name, value]) => [`variable_${name}`, value]);
      const data = Buffer.from(channelData({ ...headers, ...Object.fromEntries(values) }));
      const broken = random.chance(0.3);
      const call = await FreeSwitchCall.place(target.socketPort, {
        uuid: headers['Unique-ID'] ?? '',
        headers,
        variables,
        ...(broken ? { connected: mutateBytes(random, data) } : {}),
        answers: () =>
          random.chance(0.03) ? mutateBytes(random, Buffer.from(OK)).toString('latin1') : undefined,
      });
      if (random.chance(0.1)) setTimeout(() => call.peer.reset(), random.below(20));
      await Promise.race([call.released(), pause(CALL_MS)]);
      call.peer.socket.destroy();
    },
  }),
};

const EVENTS = ['PROGRESS', 'PROGRESS_MEDIA', 'ANSWER', 'BRIDGE', 'HANGUP_COMPLETE'];
/** Of so many cases one damages the frames: the agent then closes the connection and logs in again. */
const BROKEN_FRAMES = 500;

function inboundFrame(random: Random, url: string): Buffer {
  const uuid = random.uuid();
  const event = hangupEvent(uuid, url, {
    'Event-Name': `CHANNEL_${random.pick(EVENTS)}`,
    'Unique-ID': random.chance(0.3) ? random.uuid() : uuid,
    'Other-Leg-Unique-ID': random.uuid(),
    'Event-Sequence': String(random.below(1e6)),
    variable_originate_causes: [`${random.uuid()};NONE`, 'x'],
    variable_originated_legs: [`${random.uuid()};1;2`],
    variable_transfer_history: ['1:2:bl_xfer:a/b/c', '1:2:uuid_br:x'],
    variable_endpoint_disposition: 'ANSWER',
  });
  const mutated = JSON.stringify(random.chance(0.8) ? mutateObject(random, event) : event);
  const body = random.chance(0.2) ? mutateBytes(random, Buffer.from(mutated)) : Buffer.from(mutated);
  const frame = withBody('text/event-json', body);
  return random.below(BROKEN_FRAMES) === 0 ? mutateBytes(random, frame) : frame;
}

const inbound: Way = {
  name: 'process-inbound',
  what: 'mutated events from the event socket (port 8021)',
  atOnce: 1,
  open: async (target, { freeswitch }) => ({
    close: () => {},
    run: async (random) => {
      const peer = await freeswitch.subscribed();
      peer.write(inboundFrame(random, target.url));
      if (peer.socket.writableNeedDrain) await Promise.race([once(peer.socket, 'drain'), peer.closed]);
      if (random.chance(0.01)) await pause(1);
    },
  }),
};

const nats: Way = {
  name: 'process-nats',
  what: 'mutated NATS messages: requests, progress events, live calls, status, steps, control',
  atOnce: 16,
  open: async (target) => ({
    close: () => {},
    run: async (random) => {
      const uuid = random.uuid();
      const progress = { ...ringing(target.url, uuid, 'leg-1') };
      const live = { v: 1, url: target.url, uuid, node: 'fs1', started: '2026-11-23T18:20:26.595Z' };
      const parties = { caller_id_number: '1', caller_id_name: '', destination_number: '2' };
      const kinds: readonly (readonly [string, unknown])[] = [
        [BUS.decide, decisionRequest(target.url, uuid)],
        [BUS.abandon, { v: 1, uuid }],
        [`${BUS.progress}.${partitionOf(uuid)}.fs1`, progress],
        [`${BUS.live}.fs1.${uuid}`, { ...live, ...parties }],
        [BUS.status, { v: 1, service: 'agent', instance: 'x', checks: {}, figures: {} }],
        [`${BUS.timeline}.${uuid}`, { v: 1, by: 'x', step: 'decided', uuid, node: 'fs1' }],
        [`${BUS.control}.fs1`, { v: 1, do: 'hangup', uuid, by: 'x' }],
      ];
      const [subject, message] = random.pick(kinds);
      const text = Buffer.from(JSON.stringify(mutateObject(random, message)));
      const bytes = random.chance(0.3) ? mutateBytes(random, text) : text;
      const expects = subject === BUS.decide || subject.startsWith(BUS.control);
      // A valid live entry stays until its call is reconciled, an invalid one until it expires: neither is left here.
      if (subject.startsWith(BUS.live)) {
        const stored = await target.nats.request(subject, bytes, { timeout: 10_000 });
        const { seq } = stored.json<{ seq: number }>();
        await pause(random.below(20));
        await target.nats
          .request(`$JS.API.STREAM.MSG.DELETE.${BUS.liveStream}`, JSON.stringify({ seq }), {
            timeout: 10_000,
          })
          .catch(() => {});
      } else if (expects) await target.nats.request(subject, bytes, { timeout: 20_000 });
      else target.nats.publish(subject, bytes);
    },
  }),
};

const GOOD_ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 37\r\n\r\n{"dial":{"type":"hangup","cause":17}}';

const answers: Way = {
  name: 'process-answers',
  what: "an endpoint's HTTP answers, mutated byte by byte",
  atOnce: 16,
  open: async (target) => {
    const randoms: Random[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        const random = randoms.at(-1);
        if (random === undefined) return;
        const bytes = mutateBytes(random, Buffer.from(GOOD_ANSWER));
        socket.write(bytes);
        if (random.chance(0.7)) socket.end();
        else setTimeout(() => socket.destroy(), 50);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return {
      close: () => void server.close(),
      run: async (random) => {
        if (randoms.length === 0) randoms.push(random);
        const uuid = random.uuid();
        if (random.chance(0.1)) {
          const progress = JSON.stringify(ringing(url, uuid, 'leg-1'));
          target.nats.publish(`${BUS.progress}.${partitionOf(uuid)}.fs1`, progress);
          return;
        }
        const request = {
          ...decisionRequest(url, uuid),
          connect_timeout_ms: 2_000,
          response_timeout_ms: 2_000,
        };
        const got = await target.nats.request(BUS.decide, JSON.stringify(request), { timeout: 20_000 });
        DecisionReply.parse(got.json());
      },
    };
  },
};

export const WAYS: readonly Way[] = [outbound, inbound, nats, answers, redisWay];
