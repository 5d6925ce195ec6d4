import { randomBytes, randomUUID } from 'node:crypto';
import { expect, expectTypeOf, it, test } from 'vitest';
import type { z } from 'zod';
import type { Decision as DecisionSchema } from '#libs/contract/decision.ts';
import * as contract from '#libs/contract/endpoint.ts';
import { cachePermission } from '#libs/dialplan/cache-control.ts';
import type { Decision, EndpointRequest, Notification } from '#libs/endpoint/endpoint.ts';
import { createEndpoint, type EndpointOptions } from '#libs/endpoint/endpoint.ts';
import { queryParameters } from '#libs/http/wire-request.ts';
import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const UUID = 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd';
const route: Decision = { dial: { type: 'gateway', gateway: 'gw', number: '7' } };

const common = {
  uuid: UUID,
  channel_uuid: 'a,b@h',
  node: 'fs1',
  time: '2026-11-23T22:56:34.798Z',
  caller_id_number: '1001',
  caller_id_name: "O'Brien 张三",
  destination_number: '007',
  data: { order: 17 },
};
const end = { sip_status: 486, sip_phrase: 'Busy Here', ring_ms: 20, talk_ms: 0 };
const tried = [
  { leg: 'l', number: '1', cause: 'USER_BUSY', ...end, rang: true, early_media: false, answered: false },
];
const call = contract.EndpointRequest.parse({
  action: 'request',
  reason: 'transfer',
  ...common,
  caller_id_withheld: false,
  asserted_number: '',
  context: 'default',
  network_addr: '10.0.0.20',
  sip_call_id: 'a@b',
  attempt: 2,
  tried,
  redirect_to: 'sip:1@h',
  transferred_by: 'caller',
  transferred_from: 'x',
  previous: { url: 'http://a/', result: 'http_status', error: '500' },
  variables: { sip_user_agent: 'a b' },
});
const hangup = contract.Notification.parse({
  ...{ action: 'hangup', leg: UUID, ...common, result: 'decided', cause: 'USER_BUSY', q850: 17 },
  ...{ sip_status: 486, hangup_by: 'callee', duration_ms: 9, ring_ms: 5, billable_ms: 0, tried },
});
const recovered = contract.Notification.parse({
  ...{ action: 'hangup', recovered: true, leg: UUID, ...common, started: common.time },
  ...{ cause: 'UNKNOWN', q850: 0 },
});
const legEnd = contract.Notification.parse({
  ...{ action: 'leg_end', leg: 'l', called_number: '1', ...common, cause: 'USER_BUSY', ...end },
});

/** A request as Dialhook sends it. */
function signed(
  body: Record<string, unknown>,
  given: { id?: string; method?: 'GET'; key?: string } = {},
): Request {
  const { id = `${UUID}.leg.${body['action']}`, method = 'POST', key = secret } = given;
  const content = method === 'GET' ? queryParameters(body).toString() : JSON.stringify(body);
  const webhook = { id, timestamp: Math.floor(Date.now() / 1000), content };
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(webhook.timestamp),
    'webhook-signature': signWebhook([webhookKey(key)], webhook),
  };
  return method === 'GET'
    ? new Request(`http://endpoint/calls?${content}`, { headers })
    : new Request('http://endpoint/calls', { method, headers, body: content });
}

const endpoint = (options: Partial<EndpointOptions> = {}) =>
  createEndpoint({ secrets: [secret], request: () => route, onError: () => {}, ...options });

test('its types are those of the contract', () => {
  expectTypeOf<contract.EndpointRequest>().toExtend<EndpointRequest>();
  expectTypeOf<contract.Notification>().toExtend<Notification>();
  expectTypeOf<z.input<typeof DecisionSchema>>().toExtend<Decision>();
  expectTypeOf<Notification['action']>().toEqualTypeOf<contract.Action>();
});

test.each(['POST', 'GET'] as const)('answers a request with its decision, %s', async (method) => {
  const requests: EndpointRequest[] = [];
  const handle = endpoint({
    request: (call) => {
      requests.push(call);
      return route;
    },
  });
  const answer = await handle(signed(call, method === 'GET' ? { method } : {}));
  expect([answer.status, await answer.json()]).toEqual([200, route]);
  expect(requests).toEqual([call]);
});

test.each(['POST', 'GET'] as const)(
  'gives the functions every field of a notification, %s',
  async (method) => {
    const handled: Notification[] = [];
    const add = (one: Notification) => void handled.push(one);
    const handle = endpoint({ hangup: add, leg_end: add });
    for (const one of [hangup, recovered, legEnd])
      await handle(signed(one, { ...(method === 'GET' ? { method } : {}), id: randomUUID() }));
    expect(handled).toEqual([hangup, recovered, legEnd]);
  },
);

test('allows caching for the calls that it chooses', async () => {
  const call = { action: 'request', destination_number: '7' };
  expect((await endpoint()(signed(call))).headers.has('cache-control')).toBe(false);
  const caching = ({ destination_number }: EndpointRequest) =>
    destination_number === '7'
      ? { fields: ['destination_number', 'variables.tenant'], maxAge: 30 }
      : undefined;
  const answer = await endpoint({ caching })(signed(call));
  expect(cachePermission(Object.fromEntries(answer.headers))).toEqual({
    freshMs: 30_000,
    staleMs: 0,
    fields: ['destination_number', 'variables.tenant'],
  });
  const other = await endpoint({ caching })(signed({ ...call, destination_number: '8' }));
  expect(other.headers.has('cache-control')).toBe(false);
});

test('answers 404 without a decision', async () => {
  expect((await endpoint({ request: () => undefined })(signed({ action: 'request' }))).status).toBe(404);
});

test('an unsigned request or one with an unknown key gets 401 and calls no handler', async () => {
  let handled = 0;
  const handle = endpoint({ hangup: () => void handled++ });
  const stranger = `whsec_${randomBytes(32).toString('base64')}`;
  expect((await handle(new Request('http://endpoint/', { method: 'POST', body: '{}' }))).status).toBe(401);
  expect((await handle(signed({ action: 'hangup' }, { key: stranger }))).status).toBe(401);
  expect(handled).toBe(0);
  expect(() => endpoint({ secrets: [] })).toThrow('secrets');
});

test('a notification is handled once; one whose handler fails is handled again', async () => {
  const handled: string[] = [];
  let fails = true;
  const handle = endpoint({
    hangup: async ({ uuid }, id) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (fails) throw new Error('no database');
      handled.push(`${uuid} ${id}`);
    },
  });
  const hangup = () => handle(signed({ action: 'hangup', uuid: UUID })).then(({ status }) => status);
  expect(await hangup()).toBe(500);
  fails = false;
  expect(await Promise.all([hangup(), hangup()])).toEqual([204, 204]);
  expect(await hangup()).toBe(204);
  expect(handled).toEqual([`${UUID} ${UUID}.leg.hangup`]);
});

it.each(['ring', 'of-tomorrow'])('accepts an action without a function: %s', async (action) => {
  expect((await endpoint()(signed({ action }))).status).toBe(204);
});

test('answers 413 to an endless body', async () => {
  const body = new Blob(['x'.repeat(2 ** 20 + 1)]);
  expect((await endpoint()(new Request('http://endpoint/', { method: 'POST', body }))).status).toBe(413);
});
