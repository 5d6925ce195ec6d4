import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionServer } from '#libs/bus/decisions.ts';
import { BUS, DecisionReply } from '#libs/contract/messages.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import { startNats } from '#test/support/servers/nats.ts';

const URL = 'http://crm.example/';
const GOOD = 1_000;

it('a request that is invalid, or whose reply is too large, is answered; the others are decided', async () => {
  const nats = await startNats();
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(nats.url, 'router', lifecycle, log);
  const aside = SetAside.open(lifecycle, log);
  const large = randomUUID();
  const server = new DecisionServer(bus, log, aside, async ({ request }) => ({
    v: 1,
    result: 'http_status',
    error: request.uuid === large ? 'x'.repeat(2 << 20) : request.uuid,
  }));
  const client = await Bus.connect(nats.url, 'agent', lifecycle, log);
  const ask = async (text: string) => {
    const reply = await client.nats.request(BUS.decide, text, { timeout: 20_000 });
    return DecisionReply.parse(reply.json());
  };
  const good = Array.from({ length: GOOD }, () => randomUUID());
  const poison = [
    '{',
    'null',
    '{"v":1,"request":{"uuid":"bad"}}',
    '\u2028',
    JSON.stringify(decisionRequest(URL, large)),
  ];
  const text = (uuid: string) => JSON.stringify(decisionRequest(URL, uuid));
  const half = GOOD / 2;
  const all = [...good.slice(0, half).map(text), ...poison, ...good.slice(half).map(text)];
  for (const uuid of ['a', 'poison', 'b']) client.nats.publish(BUS.abandon, JSON.stringify({ v: 1, uuid }));
  client.nats.publish(BUS.abandon, '[');
  const replies = await Promise.all(all.map(ask));
  const errors = replies.map((reply) => ('error' in reply ? reply.error : ''));
  expect([...errors.slice(0, half), ...errors.slice(half + poison.length)]).toEqual(good);
  for (const reply of replies.slice(half, half + poison.length)) expect(reply.result).toBe('internal_error');
  const set = lines.filter(({ event }) => event === 'entry.set_aside');
  expect(set).toHaveLength(5);
  expect(set.filter(({ call }) => call === 'bad')).toMatchObject([{ subject: BUS.decide }]);
  expect(lifecycle.health().checks['entries']).toMatch(/^5 of kind nats_message set aside/);
  await server.stop();
  await lifecycle.stop();
  await nats.stop();
});
