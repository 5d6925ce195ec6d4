import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { replyOf } from '#libs/dialplan/answer.ts';
import type { HttpRequest } from '#libs/http/types.ts';
import { client, httpRequest, SHORT_MS } from '#test/support/router/client.ts';
import {
  type Endpoint,
  http,
  type Play,
  selfSigned,
  startEndpoint,
  startSilentPort,
} from '#test/support/router/endpoints.ts';

const MEBIBYTE = 1024 * 1024;

async function ask(url: string, given: Partial<HttpRequest> = {}) {
  await using httpClient = client();
  return replyOf(await httpClient.request(httpRequest(url, given)));
}

const outcome = (reply: Awaited<ReturnType<typeof ask>>): string =>
  reply.result === 'decided' ? 'decided' : `${reply.result}: ${reply.error.replace(/:\d+/, ':PORT')}`;

const answers: [name: string, answer: string, expected: string][] = [
  ['a decision', http('200 OK', '{"dial":{"type":"gateway","gateway":"gw","number":"1"}}'), 'decided'],
  ['500', http('500 Oops', 'secret'), 'http_status: the endpoint answered 500'],
  [
    '500 that is larger than the limit',
    http('500 Oops', 'x'.repeat(MEBIBYTE)),
    'http_status: the endpoint answered 500',
  ],
  [
    'a redirect',
    http('302 Found', '', 'Location: http://127.0.0.1/secret'),
    'redirect_refused: the endpoint answered 302, a redirect, which is not followed: configure the URL that it redirects to',
  ],
  ['nothing', http('200 OK', ''), 'empty_body: the endpoint answered 200 with an empty body'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'empty_body: the endpoint answered 204 with an empty body'],
  [
    'a page',
    http('200 OK', '<!DOCTYPE html><html>secret</html>', 'Content-Type: text/html'),
    'html_body: the endpoint answered 200 with an HTML page, not JSON',
  ],
  ['text', http('200 OK', 'secret'), 'invalid_json: the answer is not JSON'],
  ['half of an object', http('200 OK', '{"dial":'), 'invalid_json: the answer is not JSON: it is incomplete'],
  [
    'JSON of another shape',
    http('200 OK', '{"dial":{"type":"hangup","cause":"secret"}}'),
    'invalid_decision: dial.cause must be the name or the number of a FreeSWITCH hangup cause',
  ],
  [
    'what is not HTTP',
    'SSH-2.0-OpenSSH_9.9\r\n\r\n',
    'connection_failed: 127.0.0.1:PORT: the answer is not HTTP/1.1',
  ],
  [
    'another protocol by upgrade',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'connection_failed: 127.0.0.1:PORT: the endpoint switched to another protocol (101)',
  ],
  [
    'endless headers',
    `HTTP/1.1 200 OK\r\n${'X-Secret: secret\r\n'.repeat(4096)}`,
    'body_too_large: 127.0.0.1:PORT: the headers of the answer are larger than 16 KiB',
  ],
];

test.each(answers)('an endpoint that answers %s', async (_, answer, expected) => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(answer));
  expect(outcome(await ask(endpoint.url))).toBe(expected);
});

const CHUNK = `10000\r\n${'x'.repeat(65_536)}\r\n`;

function flood(endpoint: { sent: number }): Play {
  return ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const more = () => {
      while (!socket.destroyed && endpoint.sent < 50 * MEBIBYTE) {
        endpoint.sent += CHUNK.length;
        if (!socket.write(CHUNK)) return void socket.once('drain', more);
      }
    };
    more();
  };
}

test('50 MB are not read: the connection ends at the limit', async () => {
  const flooded = { sent: 0 };
  await using endpoint = await startEndpoint(flood(flooded));
  const closed = once(endpoint.events, 'closed');
  expect(outcome(await ask(endpoint.url))).toBe(
    'body_too_large: 127.0.0.1:PORT: the answer is larger than 65536 bytes (MAX_BODY_BYTES)',
  );
  await closed;
  expect(flooded.sent).toBeLessThan(50 * MEBIBYTE);
});

test('a body announced as too large is not waited for', async () => {
  await using endpoint = await startEndpoint(({ socket }) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${50 * MEBIBYTE}\r\n\r\n`),
  );
  expect(outcome(await ask(endpoint.url))).toContain('body_too_large');
});

test('a refused connection', async () => {
  const { url } = await (async () => {
    await using endpoint = await startEndpoint();
    return endpoint;
  })();
  expect(outcome(await ask(url))).toBe(
    'connection_failed: 127.0.0.1:PORT: the connection was refused (ECONNREFUSED)',
  );
});

test('a host name that does not resolve', async () => {
  expect(outcome(await ask('http://nowhere.invalid/?key=secret'))).toMatch(
    /^connection_failed: nowhere\.invalid:PORT: the host name (does not resolve|was not looked up)/,
  );
});

test('a port that does not answer SYN', async () => {
  await using silent = await startSilentPort();
  expect(outcome(await ask(silent.url, { connectTimeoutMs: SHORT_MS }))).toBe(
    'connect_timeout: 127.0.0.1:PORT: connect timeout of 150 ms: no TCP connection was established',
  );
});

test('a TLS handshake that stalls', async () => {
  await using endpoint = await startEndpoint();
  const closed = once(endpoint.events, 'closed');
  const url = endpoint.url.replace('http:', 'https:');
  expect(outcome(await ask(url, { connectTimeoutMs: SHORT_MS }))).toBe(
    'connect_timeout: 127.0.0.1:PORT: connect timeout of 150 ms: the TLS handshake was not finished',
  );
  await closed;
});

test('a TLS handshake that is cut off', async () => {
  const server = createServer(
    (socket) => void socket.on('error', () => {}).once('data', () => socket.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(outcome(await ask(`https://127.0.0.1:${port}/`))).toBe(
    'tls_failed: 127.0.0.1:PORT: the connection was closed during the TLS handshake (ECONNRESET)',
  );
  server.close();
});

test('https to a port that speaks http', async () => {
  await using endpoint = await startEndpoint();
  const server = createServer((socket) => void socket.on('error', () => {}).end(http('400 Bad Request', '')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(outcome(await ask(`https://127.0.0.1:${port}/`))).toMatch(/^tls_failed: .* does not speak TLS/);
  expect(endpoint.received).toEqual([]);
  server.close();
});

test('a self-signed certificate, and one for another name', async () => {
  const own = selfSigned('IP:127.0.0.1');
  const other = selfSigned('DNS:elsewhere.example');
  const decision = http('200 OK', '{"dial":{"type":"hangup"}}');
  await using right = await startEndpoint(({ socket }) => socket.write(decision), own);
  await using wrong = await startEndpoint(({ socket }) => socket.write(decision), other);
  expect(outcome(await ask(right.url))).toBe(
    'tls_failed: 127.0.0.1:PORT: its certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)',
  );
  expect(right.received).toEqual([]);
  await using trusting = client({ tls: { ca: own.cert + other.cert } });
  expect(replyOf(await trusting.request(httpRequest(right.url))).result).toBe('decided');
  expect(outcome(replyOf(await trusting.request(httpRequest(wrong.url))))).toBe(
    'tls_failed: 127.0.0.1:PORT: its certificate is for another host name (ERR_TLS_CERT_ALTNAME_INVALID)',
  );
  expect(wrong.received).toEqual([]);
});

const slow: [name: string, play: Play, waitedFor: string][] = [
  ['never answers', () => {}, 'no answer had arrived'],
  [
    'never ends its headers',
    ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nX-'),
    'the answer was not complete',
  ],
  [
    'never ends its body',
    ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'),
    'the answer was not complete',
  ],
  [
    'trickles its body',
    ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n');
      const timer = setInterval(() => socket.write(' '), 10);
      socket.on('close', () => clearInterval(timer));
    },
    'the answer was not complete',
  ],
  [
    'sends interim answers only',
    ({ socket }) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10);
      socket.on('close', () => clearInterval(timer));
    },
    'the answer was not complete',
  ],
];

test.each(slow)('an endpoint that %s', async (_, play, waitedFor) => {
  await using endpoint = await startEndpoint(play);
  const closed = once(endpoint.events, 'closed');
  expect(outcome(await ask(endpoint.url, { responseTimeoutMs: SHORT_MS }))).toBe(
    `response_timeout: 127.0.0.1:PORT: response timeout of 150 ms: ${waitedFor}`,
  );
  await closed;
});

test('the shorter of two timeouts ends first, and the time to connect does not count towards the answer', async () => {
  await using endpoint = await startEndpoint();
  await using httpClient = client();
  const ended: number[] = [];
  const timings = await Promise.all(
    [4 * SHORT_MS, SHORT_MS, 2 * SHORT_MS].map(async (responseTimeoutMs) => {
      const answer = await httpClient.request(
        httpRequest(endpoint.url, { responseTimeoutMs, connectTimeoutMs: 5_000 }),
      );
      ended.push(responseTimeoutMs);
      return answer.timing.responseMs - responseTimeoutMs;
    }),
  );
  expect(ended).toEqual([SHORT_MS, 2 * SHORT_MS, 4 * SHORT_MS]);
  for (const beyond of timings) expect(beyond).toBeGreaterThanOrEqual(-2);
});

const resets: [name: string, play: Play][] = [
  ['before the answer', ({ socket }) => socket.resetAndDestroy()],
  [
    'in the middle of the body',
    ({ socket }) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{',
        () => void sleep(20).then(() => socket.resetAndDestroy()),
      ),
  ],
  [
    'by an orderly end in the middle of the body',
    ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'),
  ],
];

test.each(resets)('a connection that ends %s is not tried again', async (_, play) => {
  const endpoint: Endpoint = await startEndpoint(play);
  expect(outcome(await ask(endpoint.url))).toMatch(
    /^connection_failed: 127\.0\.0\.1:PORT: the connection was /,
  );
  expect(endpoint.received).toHaveLength(1);
  await endpoint[Symbol.asyncDispose]();
});

test('an endpoint that says "connection: close" and ends the body by closing', async () => {
  await using endpoint = await startEndpoint(({ socket }) =>
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"dial":{"type":"hangup"}}'),
  );
  expect(outcome(await ask(endpoint.url))).toBe('decided');
});
