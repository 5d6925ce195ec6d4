import { once } from 'node:events';
import { expect, test } from 'vitest';
import { client, httpRequest, SHORT_MS } from '#test/support/router/client.ts';
import { http, startEndpoint, startSilentPort } from '#test/support/router/endpoints.ts';

const OK = http('200 OK', '{}');

test('a connection is used again', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client();
  const first = await httpClient.request(httpRequest(endpoint.url));
  const second = await httpClient.request(httpRequest(endpoint.url));
  expect([first.timing.reused, second.timing.reused]).toEqual([false, true]);
  expect(endpoint.connections).toHaveLength(1);
});

test('the first call goes over a connection that was opened in advance', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client();
  await httpClient.warm(endpoint.url, SHORT_MS);
  expect(endpoint.connections).toHaveLength(1);
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({
    ok: true,
    timing: { reused: true },
  });
  expect(endpoint.connections).toHaveLength(1);
});

test('a connection opened in advance that the server closes under the request: one retry on a new one', async () => {
  await using endpoint = await startEndpoint(({ socket }) =>
    endpoint.connections.length === 1 ? socket.destroy() : socket.write(OK),
  );
  await using httpClient = client();
  await httpClient.warm(endpoint.url, SHORT_MS);
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({
    ok: true,
    timing: { reused: false },
  });
  expect(endpoint.connections).toHaveLength(2);
});

test('a kept connection that the server closes under the request: one retry on a new one', async () => {
  await using endpoint = await startEndpoint(({ socket, nth }) =>
    nth === 1 ? socket.write(OK) : socket.destroy(),
  );
  await using httpClient = client();
  await httpClient.request(httpRequest(endpoint.url));
  const answer = await httpClient.request(httpRequest(endpoint.url));
  expect(answer).toMatchObject({ ok: true, status: 200, timing: { reused: false } });
  expect(endpoint.received.map(({ nth }) => nth)).toEqual([1, 2, 1]);
});

test('exactly one retry, and not on another kept connection', async () => {
  let healthy = true;
  await using endpoint = await startEndpoint(({ socket }) => (healthy ? socket.write(OK) : socket.destroy()));
  await using httpClient = client();
  await Promise.all(Array.from({ length: 5 }, () => httpClient.request(httpRequest(endpoint.url))));
  healthy = false;
  const before = endpoint.received.length;
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({
    ok: false,
    result: 'connection_failed',
  });
  expect(endpoint.received.slice(before).map(({ nth }) => nth)).toEqual([2, 1]);
});

test('no retry once the answer has begun', async () => {
  await using endpoint = await startEndpoint(({ socket, nth }) =>
    nth === 1 ? socket.write(OK) : socket.write('HTTP/1.1 200 OK\r\n', () => socket.destroy()),
  );
  await using httpClient = client();
  await httpClient.request(httpRequest(endpoint.url));
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({
    ok: false,
    result: 'connection_failed',
  });
  expect(endpoint.received).toHaveLength(2);
});

test('the retry has the remaining time of both deadlines', async () => {
  await using endpoint = await startEndpoint(({ socket, nth }) => {
    if (nth === 2) setTimeout(() => socket.destroy(), SHORT_MS);
    else if (endpoint.received.length === 1) socket.write(OK);
  });
  await using httpClient = client();
  await httpClient.request(httpRequest(endpoint.url));
  const retried = await httpClient.request(httpRequest(endpoint.url, { responseTimeoutMs: 2 * SHORT_MS }));
  expect(retried).toMatchObject({ ok: false, result: 'response_timeout' });
  expect(endpoint.received.map(({ nth }) => nth)).toEqual([1, 2, 1]);
  expect(retried.timing.responseMs).toBeLessThan(3 * SHORT_MS);
});

test('an aborted call ends at once and takes its request with it', async () => {
  await using endpoint = await startEndpoint();
  await using httpClient = client();
  const gone = new AbortController();
  const answer = httpClient.request(httpRequest(endpoint.url, { signal: gone.signal }));
  await once(endpoint.events, 'request');
  const closed = once(endpoint.events, 'closed');
  gone.abort();
  expect(await answer).toMatchObject({ ok: false, result: 'caller_gone' });
  await closed;
  expect(httpClient.size).toEqual({ origins: 0, idle: 0 });
});

test('a call aborted before it starts makes no connection', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client();
  const answer = await httpClient.request(httpRequest(endpoint.url, { signal: AbortSignal.abort() }));
  expect(answer).toMatchObject({ ok: false, result: 'caller_gone' });
  await httpClient.request(httpRequest(endpoint.url));
  expect(endpoint.received).toHaveLength(1);
});

test('a request aborted while it waits for a connection is never sent', async () => {
  await using endpoint = await startEndpoint(({ socket, body }) => {
    if (!body.includes('first')) socket.write(OK);
  });
  await using httpClient = client({ maxConnectionsPerOrigin: 1 });
  const gone = new AbortController();
  const held = httpClient.request(httpRequest(endpoint.url, { body: { name: 'first' } }));
  const [{ socket }] = (await once(endpoint.events, 'request')) as [
    { socket: { write(text: string): void } },
  ];
  const waiting = [
    httpClient.request(httpRequest(endpoint.url, { body: { name: 'aborted' }, signal: gone.signal })),
    httpClient.request(
      httpRequest(endpoint.url, { body: { name: 'timed out' }, connectTimeoutMs: SHORT_MS }),
    ),
  ];
  const last = httpClient.request(httpRequest(endpoint.url, { body: { name: 'last' } }));
  gone.abort();
  expect(await Promise.all(waiting)).toMatchObject([
    { result: 'caller_gone', timing: { responseMs: 0 } },
    { result: 'connect_timeout', error: expect.stringContaining('all connections to it were busy') },
  ]);
  socket.write(OK);
  expect(await Promise.all([held, last])).toMatchObject([
    { ok: true },
    { ok: true, timing: { reused: true } },
  ]);
  expect(endpoint.received.map(({ body }) => JSON.parse(body).name)).toEqual(['first', 'last']);
  expect(endpoint.connections).toHaveLength(1);
});

test('a waiting call gets the place of one that timed out', async () => {
  await using endpoint = await startEndpoint(({ socket, body }) => {
    if (body.includes('last')) socket.write(OK);
  });
  await using httpClient = client({ maxConnectionsPerOrigin: 1 });
  const [first, last] = await Promise.all([
    httpClient.request(httpRequest(endpoint.url, { responseTimeoutMs: SHORT_MS })),
    httpClient.request(httpRequest(endpoint.url, { body: { name: 'last' } })),
  ]);
  expect([first, last]).toMatchObject([{ result: 'response_timeout' }, { ok: true }]);
});

test('requests to a dead origin do not delay others', async () => {
  await using silent = await startSilentPort();
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client({ maxConnectionsPerOrigin: 10 });
  let dead = 0;
  const stuck = Array.from({ length: 50 }, () =>
    httpClient.request(httpRequest(silent.url, { connectTimeoutMs: 4 * SHORT_MS })).finally(() => dead++),
  );
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({ ok: true });
  expect(dead).toBe(0);
  for (const answer of await Promise.all(stuck)) expect(answer).toMatchObject({ result: 'connect_timeout' });
});

test('idle connections are bounded over all origins and the oldest go first', async () => {
  const endpoints = await Promise.all(
    Array.from({ length: 5 }, () => startEndpoint(({ socket }) => socket.write(OK))),
  );
  await using httpClient = client({ maxIdleConnections: 2 });
  for (const endpoint of endpoints) await httpClient.request(httpRequest(endpoint.url));
  expect(httpClient.size).toEqual({ origins: 2, idle: 2 });
  const newest = await httpClient.request(httpRequest(endpoints.at(-1)?.url ?? ''));
  const oldest = await httpClient.request(httpRequest(endpoints[0]?.url ?? ''));
  expect([newest.timing.reused, oldest.timing.reused]).toEqual([true, false]);
  for (const endpoint of endpoints) await endpoint[Symbol.asyncDispose]();
});

test('an idle connection that the server closes is forgotten', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client();
  await httpClient.request(httpRequest(endpoint.url));
  expect(httpClient.size).toEqual({ origins: 1, idle: 1 });
  const closed = once(endpoint.events, 'closed');
  endpoint.connections[0]?.end();
  await closed;
  expect(httpClient.size).toEqual({ origins: 0, idle: 0 });
});

test('networks that must not be called, by address and by name', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client({ refusedNetworks: ['127.0.0.0/8', '::1/128'] });
  const { port } = new URL(endpoint.url);
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]'])
    expect(await httpClient.request(httpRequest(`http://${host}:${port}/`))).toMatchObject({
      result: 'refused_url',
    });
  expect(endpoint.connections).toEqual([]);
  expect(httpClient.size).toEqual({ origins: 0, idle: 0 });
});

test('close waits for requests in flight and leaves no connection open', async () => {
  await using endpoint = await startEndpoint();
  const httpClient = client();
  const answer = httpClient.request(httpRequest(endpoint.url));
  const [{ socket }] = (await once(endpoint.events, 'request')) as [
    { socket: { write(text: string): void } },
  ];
  const closed = httpClient.close();
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({ result: 'connection_failed' });
  socket.write(OK);
  expect(await answer).toMatchObject({ ok: true });
  await closed;
  expect(httpClient.size).toEqual({ origins: 0, idle: 0 });
});
