import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { endpointOptions } from '#libs/http/settings.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { client, httpRequest } from '#test/support/router/client.ts';
import { http, selfSigned, startEndpoint } from '#test/support/router/endpoints.ts';

const dir = mkdtempSync(join(tmpdir(), 'dialhook-pem-'));
afterAll(() => rmSync(dir, { recursive: true }));
const pem = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};

const [server, own, stranger] = ['IP:127.0.0.1', 'DNS:dialhook', 'DNS:stranger'].map(selfSigned) as [
  { key: string; cert: string },
  { key: string; cert: string },
  { key: string; cert: string },
];
const asking = {
  ...server,
  requestCert: true,
  rejectUnauthorized: true,
  ca: own.cert,
  maxVersion: 'TLSv1.2',
};
const files = {
  ENDPOINT_CA_FILE: pem('ca.pem', server.cert),
  ENDPOINT_CERT_FILE: pem('cert.pem', own.cert),
  ENDPOINT_KEY_FILE: pem('key.pem', own.key),
};

async function called(env: Record<string, string>): Promise<string> {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', '{}')), asking);
  await using httpClient = client(endpointOptions(readRouterConfig(env)));
  const answer = await httpClient.request(httpRequest(endpoint.url));
  return answer.ok ? String(answer.status) : answer.result;
}

test('an endpoint with a certificate of a private authority that requires a client certificate', async () => {
  expect(await called(files)).toBe('200');
});

test('without our certificate, or with another one, it is not reached', async () => {
  const { ENDPOINT_CA_FILE } = files;
  expect(await called({ ENDPOINT_CA_FILE })).toMatch(/tls_failed|connection_failed/);
  const other = {
    ENDPOINT_CA_FILE,
    ENDPOINT_CERT_FILE: pem('other.pem', stranger.cert),
    ENDPOINT_KEY_FILE: pem('other-key.pem', stranger.key),
  };
  expect(await called(other)).toMatch(/tls_failed|connection_failed/);
});

test('an authority that is not listed is not trusted, and neither are the public ones beside it', async () => {
  expect(await called({ ...files, ENDPOINT_CA_FILE: pem('stranger.pem', stranger.cert) })).toBe('tls_failed');
});

test('a key that is not the certificate’s stops the start, and is not shown', () => {
  const wrong = { ...files, ENDPOINT_KEY_FILE: pem('wrong.pem', stranger.key) };
  expect(() => readRouterConfig(wrong)).toThrow(/ENDPOINT_KEY_FILE is invalid: .*mismatch/);
  expect(() => readRouterConfig({ ...files, ENDPOINT_CERT_FILE: pem('none.pem', 'hush') })).toThrow(
    /^(?!.*hush).*is invalid/s,
  );
});

test('a new connection resumes the TLS session of the one before', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.end(http('200 OK', '{}')), server);
  await using httpClient = client({ tls: { ca: server.cert } });
  const reused: boolean[] = [];
  endpoint.events.on('request', () =>
    reused.push((endpoint.connections.at(-1) as TLSSocket).isSessionReused()),
  );
  for (let n = 0; n < 3; n++)
    expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({ ok: true });
  expect(reused).toEqual([false, true, true]);
});

test('a TLS session is not resumed with an impostor of its endpoint', async () => {
  await using httpClient = client({ tls: { ca: server.cert } });
  const first = await startEndpoint(({ socket }) => socket.end(http('200 OK', '{}')), server);
  expect(await httpClient.request(httpRequest(first.url))).toMatchObject({ ok: true });
  await first[Symbol.asyncDispose]();
  const port = Number(new URL(first.url).port);
  await using taken = await startEndpoint(({ socket }) => socket.end(http('200 OK', '{}')), stranger, port);
  expect(await httpClient.request(httpRequest(taken.url))).toMatchObject({ ok: false, result: 'tls_failed' });
  expect(taken.received).toEqual([]);
});
