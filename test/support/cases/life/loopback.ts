import { createSocket } from 'node:dgram';
import { expect } from 'vitest';
import type { TracedMessage } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, type LifeHarness, SHOWN } from './harness.ts';

const ONLY_FREESWITCH = 'the simulator has no loopback legs';
const loopback = (number: string) => ({ type: 'dialstring', dialstring: `loopback/${number}/default` });

const PACKET_MS = 20;
const PCMU_SILENCE = 0xff;

/** Sends audio to a port of FreeSWITCH. Returns a function that stops it. */
function speak(port: number): () => void {
  const socket = createSocket('udp4');
  let sent = 0;
  const timer = setInterval(() => {
    const packet = Buffer.alloc(172, PCMU_SILENCE);
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE(sent % 0x1_0000, 2);
    packet.writeUInt32BE(sent * 160, 4);
    packet.writeUInt32BE(1, 8);
    sent++;
    socket.send(packet, port, '127.0.0.1');
  }, PACKET_MS);
  return () => {
    clearInterval(timer);
    socket.close();
  };
}

/** The port to which a party sends its audio. */
function audioPort(trace: readonly TracedMessage[], side: TracedMessage['side']): number {
  const sdp = trace.findLast((one) => one.side === side && !one.byParty && one.text.includes('m=audio'));
  return Number(/m=audio (\d+)/.exec(sdp?.text ?? '')?.[1]);
}

const TALK_MS = 5000;

/** Both parties talk longer than FreeSWITCH waits before it connects them directly. */
async function talkThrough(life: LifeHarness, number: string) {
  const call = life.call(
    ({ destination_number }) => ({ dial: destination_number === SHOWN ? loopback(number) : gw(number) }),
    { [number]: answers },
    { byeAt: TALK_MS },
  );
  await call.talking;
  const stops = [speak(audioPort(call.trace, 'caller')), speak(audioPort(call.trace, 'called'))];
  const { notice } = await call.finish().finally(() => {
    for (const stop of stops) stop();
  });
  return { call, notice };
}

export const LOOPBACK: readonly LifeCase[] = [
  {
    name: '4 loopback: a decision that leads to itself is bounded by the limit of requests',
    onlyFreeSwitch: ONLY_FREESWITCH,
    alone: true,
    async run(life) {
      const call = life.call({ dial: loopback(SHOWN) }, {});
      const { notice } = await call.finish();
      const { requests } = life.cluster;
      expect(requests.map(({ reason, attempt }) => [reason, attempt])).toEqual(
        [1, 2, 3, 4, 5].map((attempt) => ['new', attempt]),
      );
      expect(new Set(requests.map(({ uuid }) => uuid)).size).toBe(5);
      expect(notice).toMatchObject({ cause: 'USER_BUSY', hangup_by: 'freeswitch', billable_ms: 0 });
    },
  },
  {
    name: '4 loopback: a target that leads to Dialhook places a call of its own',
    onlyFreeSwitch: ONLY_FREESWITCH,
    alone: true,
    async run(life) {
      const { call, notice } = await talkThrough(life, '888');
      expect(life.cluster.requests).toMatchObject([
        { reason: 'new', attempt: 1, uuid: call.uuid, destination_number: SHOWN },
        { reason: 'new', attempt: 2, destination_number: '888', tried: [] },
      ]);
      expect(call.notified().map(({ action }) => action)).toEqual(['ring', 'answer', 'hangup']);
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(TALK_MS - 500);
      expect(notice['tried']).toMatchObject([{ number: '888', cause: 'NONE', answered: true }]);
    },
  },
  {
    name: '4 loopback: a target that leads to an extension without Dialhook is one called leg',
    onlyFreeSwitch: ONLY_FREESWITCH,
    alone: true,
    async run(life) {
      const { call, notice } = await talkThrough(life, '7888');
      expect(call.notified().map(({ action }) => action)).toEqual(['ring', 'answer', 'hangup']);
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(TALK_MS - 500);
      expect(call.requests()).toHaveLength(1);
    },
  },
];
