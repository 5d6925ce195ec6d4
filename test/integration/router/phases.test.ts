import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Phase } from '#libs/http/call.ts';
import { phasesInMs } from '#libs/http/phases.ts';
import { call, client, SHORT_MS } from '#test/support/router/calls.ts';
import { http, selfSigned, startEndpoint, startSilentPort } from '#test/support/router/endpoints.ts';

const OK = http('200 OK', '{}');
const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
const names = (timing: { readonly phases: readonly Phase[] }) => timing.phases.map(({ name }) => name);
const byName = (url: string) => url.replace('127.0.0.1', 'crm.example');

test('the phases of a call are those that happened, one after the other', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK));
  await using caller = client({ lookup });
  const first = await caller.call(call(byName(endpoint.url)));
  const second = await caller.call(call(byName(endpoint.url)));
  expect(names(first.timing)).toEqual(['dns', 'tcp', 'first_byte', 'body']);
  expect(names(second.timing)).toEqual(['first_byte', 'body']);
  const times = first.timing.phases.flatMap(({ start, end }) => [start, end]);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('TLS is one of its own, and an address needs no look-up', async () => {
  const tls = selfSigned('IP:127.0.0.1');
  await using endpoint = await startEndpoint(({ socket }) => socket.write(OK), tls);
  await using caller = client({ tls: { ca: tls.cert } });
  const { timing } = await caller.call(call(endpoint.url));
  expect(names(timing)).toEqual(['tcp', 'tls', 'first_byte', 'body']);
});

test('a call that waits for a connection of another', async () => {
  await using endpoint = await startEndpoint();
  await using caller = client({ maxConnectionsPerOrigin: 1 });
  const one = caller.call(call(endpoint.url));
  await once(endpoint.events, 'request');
  const other = caller.call(call(endpoint.url));
  endpoint.received[0]?.socket.write(OK);
  await one;
  await once(endpoint.events, 'request');
  endpoint.received[1]?.socket.write(OK);
  expect(names((await other).timing)).toEqual(['queue', 'first_byte', 'body']);
});

test('a call that failed ends in the phase in which it did', async () => {
  await using silent = await startEndpoint();
  await using caller = client();
  const unanswered = await caller.call(call(silent.url, { responseTimeoutMs: SHORT_MS }));
  expect(names(unanswered.timing)).toEqual(['tcp', 'first_byte']);
  await using port = await startSilentPort();
  const unconnected = await caller.call(call(port.url, { connectTimeoutMs: SHORT_MS }));
  expect(names(unconnected.timing)).toEqual(['tcp']);
  const refused = await caller.call(call('ftp://127.0.0.1/'));
  expect(names(refused.timing)).toEqual([]);
});

test('milliseconds of phases, those of a second attempt included', () => {
  const phases: Phase[] = [
    { name: 'first_byte', start: 0, end: 1 },
    { name: 'tcp', start: 1, end: 1.26 },
    { name: 'first_byte', start: 2, end: 4.5 },
  ];
  expect(phasesInMs(phases)).toEqual({ ttfb_ms: 3.5, connect_ms: 0.3 });
});
