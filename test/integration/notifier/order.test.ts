import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgressEvent } from '#libs/contract/messages.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { idOf, idsOf, ringing, sibling } from '#test/support/notifier/progress.ts';
import { type Receiver, startHoldingReceiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

const START = Date.parse('2026-01-02T03:04:05.000Z');

/** What happens in a call, in this order: two called legs and the end. */
function callOfTwoLegs(url: string) {
  const uuid = randomUUID();
  const at = (ms: number) => ({ time: new Date(START + ms).toISOString() });
  const of = (leg: string, action: 'ring' | 'answer', ms: number): ProgressEvent => {
    const { notification } = ringing(url, uuid, leg);
    if (notification.action !== 'ring') throw new Error('not a ring');
    return { v: 1, url, notification: { ...notification, action, ...at(ms) } };
  };
  const { node, caller_id_number, caller_id_name, destination_number } = of(uuid, 'ring', 0).notification;
  const caller = { node, caller_id_number, caller_id_name, destination_number };
  const facts = { cause: 'NORMAL_CLEARING', q850: 16, duration_ms: 1, ring_ms: 1, billable_ms: 1, tried: [] };
  // FreeSWITCH's clock may have been set back, and that of an agent who makes a hangup up be behind.
  const end = { action: 'hangup', uuid, leg: uuid, ...at(-60_000), hangup_by: 'caller' } as const;
  return {
    ring: of('first', 'ring', 0),
    ring2: of('second', 'ring', 10),
    answer: of('first', 'answer', 20),
    hangup: { v: 1, url, notification: { ...caller, ...facts, ...end } } satisfies ProgressEvent,
  };
}

const arrived = (endpoint: { arrivals: readonly { id: string }[] }) => endpoint.arrivals.map(({ id }) => id);

/** Resolves when the reader has processed all that was published for the call. */
async function readSoFar(endpoint: Receiver, { notification: { uuid } }: ProgressEvent): Promise<void> {
  const other = ringing(endpoint.url, sibling(uuid), 'other');
  await harness.publish([other]);
  await until('it is in flight', () => arrived(endpoint).includes(idOf(other)));
}

test('an event published late takes its place among those that wait', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  await using __ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const { ring, ring2, answer, hangup } = callOfTwoLegs(endpoint.url);
  await harness.publish([ring]);
  await until('it is in flight', () => endpoint.arrivals.length === 1);
  await harness.publish([hangup, answer, ring2]);
  await readSoFar(endpoint, hangup);
  letGo();
  await until('all are delivered', () => endpoint.accepted.length === 5);
  const all = idsOf([ring, ring2, answer, hangup]);
  expect(endpoint.accepted.filter((id) => all.includes(id))).toEqual(all);
});

test('no notification follows a hangup that was sent or is in flight', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  const { log, lines } = recordLog();
  await using __ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' }, undefined, log);
  const { ring, answer, hangup } = callOfTwoLegs(endpoint.url);
  await harness.publish([hangup]);
  await until('it is in flight', () => endpoint.arrivals.length === 1);
  await harness.publish([answer]);
  await readSoFar(endpoint, hangup);
  letGo();
  await until('it is delivered', () => endpoint.accepted.includes(idOf(hangup)));
  await harness.publish([ring]);
  await readSoFar(endpoint, hangup);
  await until('the others are delivered', () => endpoint.accepted.length === 3);
  expect(arrived(endpoint).filter((id) => idsOf([ring, answer, hangup]).includes(id))).toEqual([
    idOf(hangup),
  ]);
  expect(lines.filter(({ event }) => event === 'notification.late')).toMatchObject([
    { notification: idOf(answer) },
    { notification: idOf(ring) },
  ]);
});

test('leg_end, transfer and recording follow a hangup that was sent', async () => {
  await using endpoint = await startReceiver();
  await using _ = await harness.notifier();
  const { hangup } = callOfTwoLegs(endpoint.url);
  const { uuid, node, time, caller_id_number, caller_id_name, destination_number } = hangup.notification;
  const call = { uuid, node, time, caller_id_number, caller_id_name, destination_number };
  const legEnd: ProgressEvent = {
    ...hangup,
    notification: {
      ...call,
      ...{ action: 'leg_end', leg: 'first', called_number: '1', cause: 'NORMAL_CLEARING' },
      ...{ ring_ms: 1, talk_ms: 1 },
    },
  };
  const transfer: ProgressEvent = {
    ...hangup,
    notification: { ...call, action: 'transfer', leg: uuid, kind: 'blind', by: 'caller' },
  };
  const recording: ProgressEvent = {
    ...hangup,
    notification: {
      ...call,
      ...{
        action: 'recording',
        leg: 'first',
        called_number: '1',
        name: 'a.wav',
        channels: 2,
        complete: false,
      },
    },
  };
  await harness.publish([hangup]);
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await harness.publish([recording, legEnd, transfer]);
  await until('they are delivered', () => endpoint.accepted.length === 4);
  expect(endpoint.accepted).toEqual(idsOf([hangup, recording, legEnd, transfer]));
});

test('a ring after a later event is dropped, an answer is not', async () => {
  await using endpoint = await startReceiver();
  await using _ = await harness.notifier();
  const { ring, ring2, answer, hangup } = callOfTwoLegs(endpoint.url);
  await harness.publish([
    { ...answer, notification: { ...answer.notification, time: ring.notification.time } },
  ]);
  await until('it is delivered', () => endpoint.accepted.length === 1);
  const earlier = {
    ...ring,
    notification: { ...ring.notification, time: new Date(START - 1).toISOString() },
  };
  await harness.publish([earlier, ring2, hangup]);
  await until('the rest is delivered', () => endpoint.accepted.length === 3);
  expect(arrived(endpoint)).toEqual(idsOf([answer, ring2, hangup]));

  const other = callOfTwoLegs(endpoint.url);
  await harness.publish([other.ring2]);
  await until('it is delivered', () => endpoint.accepted.length === 4);
  const late = {
    ...other.answer,
    notification: { ...other.answer.notification, time: ring.notification.time },
  };
  await harness.publish([late, other.hangup]);
  await until('the rest is delivered', () => endpoint.accepted.length === 6);
  expect(arrived(endpoint).slice(3)).toEqual(idsOf([other.ring2, other.answer, other.hangup]));
});
