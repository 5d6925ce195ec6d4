import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyWebhook } from '#libs/webhook-signature/webhook-signature.ts';
import { client, httpRequest } from '#test/support/router/client.ts';
import { http, type Received, startEndpoint } from '#test/support/router/endpoints.ts';

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const [all, own, newer] = [newSecret(), newSecret(), newSecret()];
const webhook = { id: 'call.1.request', time: Date.now() };
const BODY = { action: 'request', caller_id_name: '张三 "50%"', variables: { a: 'b&c=d', e: '' } };

const headersOf = ({ head }: Received): Record<string, string> =>
  Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(/: (.*)/s) as [string, string])
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
const bytesOf = ({ body }: Received): Buffer => Buffer.from(body, 'latin1');
const queryOf = ({ head }: Received): string => /^GET [^?]*\?(\S*) /.exec(head)?.[1] ?? '';

async function received(secrets: Record<string, readonly string[]>, given: object = {}): Promise<Received> {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', '{}')));
  const { origin } = new URL(endpoint.url);
  const signingSecrets = Object.fromEntries(
    Object.entries(secrets).map(([key, value]) => [key === 'own' ? origin : key, value]),
  );
  await using httpClient = client({ signingSecrets });
  await httpClient.request(httpRequest(`${endpoint.url}?own=%E5%BC%A0`, { webhook, body: BODY, ...given }));
  const [request] = endpoint.received;
  if (!request) throw new Error('nothing came');
  return request;
}

test('a POST is signed over the very bytes of its body', async () => {
  const request = await received({ '': [all] });
  const bytes = bytesOf(request);
  expect(JSON.parse(bytes.toString('utf8'))).toEqual(BODY);
  expect(verifyWebhook([all], headersOf(request), bytes)).toEqual({
    id: webhook.id,
    timestamp: Math.floor(webhook.time / 1000),
  });
  expect(() => verifyWebhook([own], headersOf(request), bytes)).toThrow('no valid signature');
});

test('a GET is signed over its query string, that of the URL included', async () => {
  const request = await received({ '': [all] }, { method: 'GET' });
  const query = queryOf(request);
  expect(query).toMatch(/^own=%E5%BC%A0&action=request&/);
  expect(verifyWebhook([all], headersOf(request), query)).toMatchObject({ id: webhook.id });
  for (const forged of [query.replace('request', 'hangup'), `${query}&x=1`, ''])
    expect(() => verifyWebhook([all], headersOf(request), forged)).toThrow('no valid signature');
});

test('with several secrets there are as many signatures', async () => {
  const request = await received({ '': [all, newer] });
  expect(headersOf(request)['webhook-signature']?.split(' ')).toHaveLength(2);
  for (const secret of [all, newer])
    expect(verifyWebhook([secret], headersOf(request), bytesOf(request))).toBeTruthy();
});

test('an endpoint with secrets of its own gets no signature that another could have made', async () => {
  const request = await received({ '': [all], own: [own] });
  expect(verifyWebhook([own], headersOf(request), bytesOf(request))).toBeTruthy();
  expect(() => verifyWebhook([all], headersOf(request), bytesOf(request))).toThrow('no valid signature');
});

test('without a secret the request has its name and its time, and no signature', async () => {
  const headers = headersOf(await received({ 'https://other': [own] }));
  expect(headers).toMatchObject({
    'webhook-id': webhook.id,
    'webhook-timestamp': expect.stringMatching(/^\d+$/),
  });
  expect(headers).not.toHaveProperty('webhook-signature');
});

test('fields of the call cannot replace a signature', async () => {
  const headers = { 'Webhook-Signature': 'v1,forged', 'webhook-id': 'forged' };
  const request = await received({ '': [all] }, { headers });
  expect(request.head).not.toContain('forged');
});
