import { randomBytes } from 'node:crypto';
import { expect, expectTypeOf, it, test } from 'vitest';
import type { z } from 'zod';
import type { Decision as DecisionSchema } from '#libs/contract/decision.ts';
import type * as contract from '#libs/contract/endpoint.ts';
import type { Decision, EndpointRequest, Notification } from '#libs/endpoint/endpoint.ts';
import { createEndpoint, type EndpointOptions } from '#libs/endpoint/endpoint.ts';
import { queryParameters } from '#libs/http/wire-request.ts';
import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const UUID = 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd';
const route: Decision = { dial: { type: 'gateway', gateway: 'gw', number: '7' } };

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
  const call = {
    action: 'request',
    uuid: UUID,
    caller_id_name: "O'Brien 张三",
    attempt: 2,
    tried: [{ leg: 'l', number: '1', cause: 'USER_BUSY' }],
    variables: { sip_user_agent: 'a b' },
  };
  const answer = await handle(signed(call, method === 'GET' ? { method } : {}));
  expect([answer.status, await answer.json()]).toEqual([200, route]);
  expect(requests).toEqual([call]);
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
