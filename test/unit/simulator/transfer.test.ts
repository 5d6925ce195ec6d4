import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { SimulatedCall } from '#libs/simulator/call-record.ts';
import type { Callee } from '#libs/simulator/call-script.ts';
import { Client } from '#test/support/simulator/client.ts';
import { hangupsOf } from '#test/support/simulator/hangups.ts';
import { ANSWERS, node, numbers, RINGS, refuses, run, useNode } from '#test/support/simulator/run-call.ts';

useNode();

const DIALPLAN = [
  'set hangup_after_bridge=true',
  'export visited=yes',
  `bridge sofia/gateway/gw/\${destination_number}`,
];

describe('a blind transfer by REFER', () => {
  test('of the called party routes the caller leg again, on the same uuid', async () => {
    const hangups = await hangupsOf(node);
    const record = await run(
      DIALPLAN,
      { 200: { ...ANSWERS, refer: { at: 300, to: '201' } }, 201: ANSWERS },
      { byeAt: 1000 },
    );
    expect(numbers(record)).toEqual(['200', '201']);
    expect(await hangups.of(record.uuid)).toMatchObject({
      'Caller-Destination-Number': '201',
      'Caller-RDNIS': '200',
      variable_max_forwards: '69',
      variable_sip_refer_to: '<sip:201@127.0.0.1>',
    });
    expect(await hangups.of(String(record.invites[0]?.leg))).toMatchObject({
      'Hangup-Cause': 'NORMAL_CLEARING',
      variable_endpoint_disposition: 'BLIND_TRANSFER',
      variable_transfer_to: `blind:${record.uuid}`,
      variable_transfer_destination: 'blind:201',
    });
  });

  test('of the called party to a number that refuses ends the call', async () => {
    const record = await run(
      DIALPLAN,
      { 200: { ...ANSWERS, refer: { at: 300, to: '201' } }, 201: refuses(486) },
      { byeAt: 5000 },
    );
    expect(record).toMatchObject({ cause: 'USER_BUSY', invites: [{ number: '200' }, { number: '201' }] });
  });

  test('of the caller routes the called leg, which has become the caller of the next leg', async () => {
    const hangups = await hangupsOf(node);
    const record = await run(
      DIALPLAN,
      { 200: { ...ANSWERS, hangsUpAt: 2000 }, 201: ANSWERS },
      { refer: { at: 200, to: '201' }, byeAt: 5000 },
    );
    const [first, second] = record.invites;
    expect(second).toMatchObject({ number: '201', callerNumber: '200' });
    expect(record.cause).toBe('NORMAL_CLEARING');
    expect(await hangups.of(String(first?.leg))).toMatchObject({
      'Caller-Caller-ID-Number': '200',
      'Caller-Destination-Number': '201',
      variable_pre_transfer_caller_id_number: '100',
    });
    expect(await hangups.of(String(second?.leg))).toMatchObject({ 'Other-Leg-Unique-ID': first?.leg });
  });
});

const place = (number: string, destination: string, callee: Callee, dialplan = DIALPLAN): SimulatedCall =>
  node.call({ caller: { number, name: number }, destination, dialplan, callee: () => callee });

async function bridged(client: Client, ...calls: readonly SimulatedCall[]): Promise<void> {
  const uuids = () => client.events.map((event) => event.get('Bridge-A-Unique-ID'));
  await client.until(() => calls.every(({ uuid }) => uuids().includes(uuid)));
}

describe('an attended transfer', () => {
  test.each(['caller', 'called'] as const)(
    'by the %s bridges the other parties of both calls',
    async (by) => {
      const client = await Client.logIn(node.port, 'event json CHANNEL_BRIDGE');
      const first = place('100', '200', ANSWERS);
      const consultation = place(by === 'caller' ? '100' : '200', '201', { ...ANSWERS, hangsUpAt: 4000 });
      await bridged(client, first, consultation);
      const transferor = by === 'caller' ? first.uuid : legOf(client, first);
      node.phone(transferor)?.refer(`<sip:2@127.0.0.1?Replaces=${consultation.uuid}>`, undefined);
      await client.until(() => client.events.length === 3);
      const talk = client.events[2];
      const transferee = by === 'called' ? first.uuid : legOf(client, first);
      expect(talk?.get('Bridge-A-Unique-ID')).toBe(transferee);
      expect(talk?.get('Bridge-B-Unique-ID')).toBe(legOf(client, consultation));
      const [one, other] = await Promise.all([first.ended, consultation.ended]);
      expect(one.cause).toBe('NORMAL_CLEARING');
      expect(other).toMatchObject({
        cause: 'NORMAL_CLEARING',
        variables: { endpoint_disposition: 'ATTENDED_TRANSFER', transfer_disposition: 'replaced' },
      });
    },
  );
});

function legOf(client: Client, call: SimulatedCall): string {
  const bridge = client.events.find((event) => event.get('Bridge-A-Unique-ID') === call.uuid);
  return String(bridge?.get('Bridge-B-Unique-ID'));
}

describe('a pickup by intercept', () => {
  test.each(['', '-bleg '])(
    'of a ringing call with %j answers its caller and hangs up its leg',
    async (option) => {
      const hangups = await hangupsOf(node);
      const client = await Client.logIn(
        node.port,
        'event json CHANNEL_PROGRESS CHANNEL_BRIDGE CHANNEL_ANSWER',
      );
      const call = place('100', '200', RINGS);
      const ringing = () => client.events.find((event) => event.get('Call-Direction') === 'outbound');
      await client.until(() => ringing() !== undefined);
      const leg = String(ringing()?.get('Unique-ID'));
      const picker = place('300', '*8', {}, [`intercept ${option}${option === '' ? call.uuid : leg}`]);
      await client.until(() => client.events.some((event) => event.get('Event-Name') === 'CHANNEL_BRIDGE'));
      await sleep(50);
      picker.hangup();
      expect(await picker.ended).toMatchObject({ status: 200 });
      expect(await call.ended).toMatchObject({
        status: 200,
        progress: [{ action: 'ring' }, { action: 'hangup' }],
      });
      expect(await hangups.of(call.uuid)).toMatchObject({
        'Caller-Caller-ID-Number': '300',
        'Caller-Callee-ID-Number': '100',
      });
      expect(await hangups.of(leg)).toMatchObject({ 'Hangup-Cause': 'PICKED_OFF' });
    },
  );
});

describe('sofia recover', () => {
  test('brings a call back with its uuids and variables after a crash, and its end is reported', async () => {
    const before = await Client.logIn(node.port, 'event json CHANNEL_BRIDGE');
    const call = place('100', '200', ANSWERS);
    await bridged(before, call);
    const leg = legOf(before, call);
    await node.restart();
    expect(await call.ended).toMatchObject({ cause: 'CRASH' });
    expect(node.channels).toBe(0);
    const hangups = await hangupsOf(node);
    const [recovered] = node.recover();
    expect([recovered?.uuid, node.channels]).toEqual([call.uuid, 2]);
    node.phone(leg)?.bye();
    await recovered?.ended;
    const end = await hangups.of(call.uuid);
    expect(end).toMatchObject({
      variable_recovered: 'true',
      variable_visited: 'yes',
      variable_sip_hangup_disposition: 'send_bye',
    });
    expect(Number(end['Caller-Channel-Answered-Time'])).toBeLessThan(
      Number(end['Caller-Channel-Created-Time']),
    );
    expect(await hangups.of(leg)).toMatchObject({ variable_sip_hangup_disposition: 'recv_bye' });
    expect(node.recover()).toEqual([]);
  });
});
