import { errors } from 'undici';
import { expect, test } from 'vitest';
import { ConfigError } from '#libs/config/config.ts';
import type { Phase } from '#libs/contract/phases.ts';
import { replyOf, replyOfText } from '#libs/dialplan/answer.ts';
import { errorCode, failureOf, isLostConnection } from '#libs/http/failure.ts';
import { queryParameters, wireRequest } from '#libs/http/wire-request.ts';
import { publicUrl } from '#libs/net/url.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { httpRequest } from '#test/support/router/client.ts';

const coded = (code: string, message = 'secret') => Object.assign(new Error(message), { code });

const failures: [error: unknown, phase: Phase, result: string, words: string][] = [
  [coded('ENOTFOUND'), 'dns', 'connection_failed', 'the host name does not resolve (ENOTFOUND)'],
  [
    coded('EAI_AGAIN'),
    'dns',
    'connection_failed',
    'the host name was not looked up: the DNS servers do not answer (EAI_AGAIN)',
  ],
  [coded('ECONNREFUSED'), 'connect', 'connection_failed', 'the connection was refused (ECONNREFUSED)'],
  [
    new AggregateError([coded('EHOSTUNREACH'), coded('ECONNREFUSED')], 'secret'),
    'connect',
    'connection_failed',
    'there is no route to the host (EHOSTUNREACH)',
  ],
  [coded('ECONNRESET'), 'ttfb', 'connection_failed', 'the connection was reset (ECONNRESET)'],
  [
    coded('ECONNRESET'),
    'tls',
    'tls_failed',
    'the connection was closed during the TLS handshake (ECONNRESET)',
  ],
  [coded('CERT_HAS_EXPIRED'), 'tls', 'tls_failed', 'its certificate has expired (CERT_HAS_EXPIRED)'],
  [
    coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    'ttfb',
    'tls_failed',
    'the connection failed (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)',
  ],
  [new errors.HTTPParserError('secret'), 'body', 'connection_failed', 'the answer is not HTTP/1.1'],
  [
    coded('UND_ERR_HEADERS_OVERFLOW'),
    'body',
    'body_too_large',
    'the headers of the answer are larger than 16 KiB',
  ],
  [coded('UND_ERR_INVALID_ARG'), 'queue', 'refused_url', 'the request cannot be written as HTTP'],
  [coded('EUNHEARDOF'), 'connect', 'connection_failed', 'the connection failed (EUNHEARDOF)'],
  [coded('not a code\n'), 'tls', 'tls_failed', 'the TLS handshake failed'],
  ['thrown text', 'ttfb', 'connection_failed', 'the connection failed'],
  [undefined, 'ttfb', 'connection_failed', 'the connection failed'],
];

test.each(failures)('%s while %s is %s', (error, phase, result, words) => {
  expect(failureOf(error, phase, 'host:80')).toEqual({ result, error: `host:80: ${words}` });
});

test('a lost connection differs from a refused one', () => {
  expect(
    ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].map((code) => isLostConnection(coded(code))),
  ).not.toContain(false);
  expect(['ECONNREFUSED', 'EHOSTUNREACH', ''].map((code) => isLostConnection(coded(code)))).not.toContain(
    true,
  );
  expect(errorCode(null)).toBe('');
});

test('a POST carries JSON, the Basic authorization of its URL and the headers of the call', () => {
  const request = wireRequest(
    httpRequest('https://u%40x:p%3a@host/a%20b?q=1#f', { body: { a: 'ü' }, headers: { TraceParent: 't' } }),
    'agent',
  );
  expect(request).toEqual({
    origin: 'https://host',
    where: 'host:443',
    method: 'POST',
    path: '/a%20b?q=1',
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'agent',
      'content-type': 'application/json; charset=utf-8',
      authorization: `Basic ${Buffer.from('u@x:p:').toString('base64')}`,
      traceparent: 't',
    },
    body: '{"a":"ü"}',
  });
});

test('a GET carries its fields as query parameters', () => {
  const body = {
    action: 'request',
    n: 1,
    nothing: null,
    variables: { domain_name: 'a&b', deep: { x: 1 } },
    tried: [{ leg: 'l' }],
  };
  const request = wireRequest(httpRequest('http://host:8080/p?own=1', { method: 'GET', body }), 'agent');
  expect(request?.path).toBe(
    '/p?own=1&action=request&n=1&variable_domain_name=a%26b&variable_deep=%7B%22x%22%3A1%7D&tried=%5B%7B%22leg%22%3A%22l%22%7D%5D',
  );
  expect(request?.body).toBeNull();
  expect(queryParameters({}).toString()).toBe('');
  expect(wireRequest(httpRequest('http://host/p', { method: 'GET', body: {} }), 'agent')?.path).toBe('/p');
});

test('a published URL has no part that may be secret', () => {
  expect(publicUrl('http://u:secret@host:81/p?key=secret#secret')).toBe('http://host:81/p');
  for (const text of ['ftp://host/', 'http://', 'secret']) expect(publicUrl(text)).toBe('');
  expect(wireRequest(httpRequest('file:///etc/passwd'), 'agent')).toBeUndefined();
});

const decisions: [answer: string, expected: string][] = [
  ['\u0000', 'invalid_json'],
  ['null', 'invalid_decision: the answer must be an object, not null'],
  ['[]', 'invalid_decision: the answer must be an object, not a list'],
  ['{}', 'invalid_decision: dial'],
  [
    '{"dial":{"type":"secret"}}',
    'invalid_decision: dial.type must be one of gateway, user, ip, dialstring or hangup',
  ],
  ['{"dial":{"type":"gateway","number":"1"}}', 'invalid_decision: dial.gateway is missing'],
  [
    '{"dial":{"type":"gateway","number":"1","gateway":"gw,secret"}}',
    'invalid_decision: dial.gateway must be a gateway name',
  ],
  [
    '{"dial":{"type":"dialstring","dialstring":"sofia/x/secret"}}',
    'invalid_decision: dial.dialstring: must be sofia/gateway',
  ],
  [
    '{"dial":{"type":"hangup","cause":987}}',
    'invalid_decision: dial.cause must be the name or the number of a FreeSWITCH hangup cause',
  ],
  ...[
    ['callerId', 'caller_id'],
    ['CallerID', 'caller_id'],
    ['caller-id', 'caller_id'],
    ['caller id', 'caller_id'],
    ['callerid', 'caller_id'],
    ['_callee_id', 'callee_id'],
    ['maxDuration', 'max_duration'],
    ['passHeaders', 'pass_headers'],
    ['onFail', 'on_fail'],
    ['Data', 'data'],
  ].map(([key, field]): [string, string] => [
    `{"dial":{"type":"hangup"},"${key}":{"number":"secret"}}`,
    `invalid_decision: ${key} is not a field: write ${field}`,
  ]),
  ['{"Dial":{"type":"hangup"}}', 'invalid_decision: Dial is not a field: write dial'],
  [
    '{"dial":{"type":"hangup"},"caller_id":{"Number":"1"}}',
    'invalid_decision: caller_id has unknown keys: Number',
  ],
  ['{"dial":{"type":"hangup"},"variables":{"é\\n":"secret"}}', 'invalid_decision: variables.'],
];

test.each(decisions)('the answer %s', (answer, expected) => {
  const reply = replyOfText(answer);
  if (reply.result === 'decided') throw new Error('must not be decided');
  const words = `${reply.result}: ${reply.error}`;
  expect(words.startsWith(expected) ? expected : words).toBe(expected);
  expect(words).toMatch(/^[\x20-\x7e]*$/);
  expect(words).not.toContain('secret');
});

test.each([
  '{"dial":{"type":"hangup"},"callerNumber":"1","Comment":"x","caller":{"id":1}}',
  '{"dial":{"type":"hangup"},"callerId":null}',
])('keys that are no field are ignored: %s', (answer) => {
  expect(replyOfText(answer).result).toBe('decided');
});

test('a page sent as JSON is a page, and JSON sent as a page is JSON', () => {
  const answer = (body: string, type: string) =>
    replyOf({
      ok: true,
      status: 200,
      headers: { 'content-type': type },
      body,
      timing: { connectMs: 0, responseMs: 0, reused: false, phases: [] },
    }).result;
  expect(answer('\n<html>', 'application/json')).toBe('html_body');
  expect(answer('{"dial":{"type":"hangup"}}', 'text/html; charset=UTF-8')).toBe('decided');
});

const settings: [env: Record<string, string>, expected: string][] = [
  [{ ENDPOINT_METHOD: 'PUT' }, 'ENDPOINT_METHOD must be POST or GET (it is "PUT")'],
  [
    { ENDPOINT_REFUSED_NETWORKS: '10.0.0.0/33' },
    'ENDPOINT_REFUSED_NETWORKS must be networks such as 10.0.0.0/8 or fe80::/10 (it is "10.0.0.0/33")',
  ],
  [{ ENDPOINT_SCHEMES: 'ftp' }, 'ENDPOINT_SCHEMES must be http, https or both (it is "ftp")'],
  [
    { ENDPOINT_ALLOWED_HOSTS: 'crm.example,http://x/' },
    'ENDPOINT_ALLOWED_HOSTS must be hosts such as crm.example, *.example.org, [fd00::1]:8080 or *:443 (it is "crm.example,http://x/")',
  ],
  [
    { ENDPOINT_SIGNING_SECRETS: 'whsec_c2VjcmV0 ftp://x=whsec_AAAA' },
    `ENDPOINT_SIGNING_SECRETS must be a list of secrets: entry 1 is invalid: a secret must be 24 to 64 bytes long (it is set)
ENDPOINT_SIGNING_SECRETS must be a list of secrets: entry 2 must be whsec_... or https://host=whsec_... (it is set)`,
  ],
  [{ ENDPOINT_CA_FILE: '/none' }, 'ENDPOINT_CA_FILE must name a readable file (it is "/none")'],
  [{ ENDPOINT_KEY_FILE: '/dev/null' }, 'ENDPOINT_CERT_FILE and ENDPOINT_KEY_FILE must be set together'],
  [
    { MAX_CALLS_IN_FLIGHT: '100000', MAX_BODY_BYTES: '1000000' },
    'MAX_CALLS_IN_FLIGHT times MAX_BODY_BYTES must not exceed 4096 MiB: lower one of them and run more routers',
  ],
];

test.each(settings)('the setting %o is refused', (env, expected) => {
  expect(() => readRouterConfig(env)).toThrow(new ConfigError(expected));
});

test('without any setting the router runs as documented', () => {
  expect(readRouterConfig({})).toMatchObject({
    HEALTH_PORT: 9102,
    ENDPOINT_METHOD: 'POST',
    MAX_CALLS_IN_FLIGHT: 2000,
    ENDPOINT_SCHEMES: ['http', 'https'],
    ENDPOINT_PRIVATE_NETWORKS: 'allow',
    ENDPOINT_REFUSED_NETWORKS: [],
  });
});
