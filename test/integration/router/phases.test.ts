import { once } from 'node:events';
import { expect, test } from 'vitest';
import { phasesInMs } from '#libs/http/phases.ts';
import type { PhaseTiming } from '#libs/http/types.ts';
import { client, httpRequest, SHORT_MS } from '#test/support/router/client.ts';
import { http, selfSigned, startEndpoint, startSilentPort } from '#test/support/router/endpoints.ts';

const OK = http('200 OK', '{}');
const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
const names = (timing: { readonly phases: readonly PhaseTiming[] }) => timing.phases.map(({ name }) => name);
const byName = (url: string) => url.replace('127.0.0.1', 'crm.example');

test('the phases of a call are those that happened, one after the other', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using httpClient = client({ lookup });
  const first = await httpClient.request(httpRequest(byName(endpoint.url)));
  const second = await httpClient.request(httpRequest(byName(endpoint.url)));
  expect(names(first.timing)).toEqual(['dns', 'connect', 'ttfb', 'body']);
  expect(names(second.timing)).toEqual(['ttfb', 'body']);
  const times = first.timing.phases.flatMap(({ start, end }) => [start, end]);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('TLS is one of its own, and an address needs no look-up', async () => {
  const tls = selfSigned('IP:127.0.0.1');
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK), tls);
  await using httpClient = client({ tls: { ca: tls.cert } });
  const { timing } = await httpClient.request(httpRequest(endpoint.url));
  expect(names(timing)).toEqual(['connect', 'tls', 'ttfb', 'body']);
});

test('a call that waits for a connection of another', async () => {
  await using endpoint = await startEndpoint();
  await using httpClient = client({ maxConnectionsPerOrigin: 1 });
  const one = httpClient.request(httpRequest(endpoint.url));
  await once(endpoint.events, 'request');
  const other = httpClient.request(httpRequest(endpoint.url));
  endpoint.received[0]?.socket.write(OK);
  await one;
  await once(endpoint.events, 'request');
  endpoint.received[1]?.socket.write(OK);
  expect(names((await other).timing)).toEqual(['queue', 'ttfb', 'body']);
});

test('a call that failed ends in the phase in which it did', async () => {
  await using silent = await startEndpoint();
  await using httpClient = client();
  const unanswered = await httpClient.request(httpRequest(silent.url, { responseTimeoutMs: SHORT_MS }));
  expect(names(unanswered.timing)).toEqual(['connect', 'ttfb']);
  await using port = await startSilentPort();
  const unconnected = await httpClient.request(httpRequest(port.url, { connectTimeoutMs: SHORT_MS }));
  expect(names(unconnected.timing)).toEqual(['connect']);
  const refused = await httpClient.request(httpRequest('ftp://127.0.0.1/'));
  expect(names(refused.timing)).toEqual([]);
});

test('milliseconds of phases, those of a second attempt included', () => {
  const phases: PhaseTiming[] = [
    { name: 'ttfb', start: 0, end: 1 },
    { name: 'connect', start: 1, end: 1.26 },
    { name: 'ttfb', start: 2, end: 4.5 },
  ];
  expect(phasesInMs(phases)).toEqual({ ttfb_ms: 3.5, connect_ms: 0.3 });
});
