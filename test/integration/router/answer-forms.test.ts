import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { replyOf } from '#libs/dialplan/answer.ts';
import { entryOf } from '#libs/queue/entry.ts';
import { Attempts } from '#services/notifier/attempt.ts';
import { systemClock } from '#services/notifier/clock.ts';
import { callOf } from '#test/support/notifier/progress.ts';
import { client, httpRequest, PATIENT_MS } from '#test/support/router/client.ts';
import { http, type Play, startEndpoint } from '#test/support/router/endpoints.ts';

/** Answers of endpoints as they are in the field, byte for byte, to a request and to a notification. */

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const LIMIT = 64 * 1024;
const target = '{"type":"gateway","gateway":"gw","number":"1"}';
const decisionWith = (name: string) => `{"variables":{"crm_name":"${name}"},"dial":${target}}`;
const DECISION = decisionWith('');
const NAMED = decisionWith('张三');
/** GBK for 张三. */
const GBK_NAME = Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]);
const named = (name: Buffer): Buffer => {
  const [before = '', after = ''] = decisionWith('|').split('|');
  return Buffer.concat([Buffer.from(before), name, Buffer.from(after)]);
};

const ok = (body: Buffer | string, ...headers: string[]): Buffer => {
  const bytes = Buffer.from(body);
  const head = ['HTTP/1.1 200 OK', `Content-Length: ${bytes.length}`, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), bytes]);
};

const typed = (charset: string) => `Content-Type: application/json; charset=${charset}`;
const coded = (coding: string) => `Content-Encoding: ${coding}`;

interface Answer {
  readonly bytes: Buffer | string;
  /** Whether the endpoint closes the connection after the answer. */
  readonly closes?: true;
}

async function send({ bytes, closes }: Answer, play?: Play) {
  await using endpoint = await startEndpoint(
    play ?? (({ socket }) => void (closes ? socket.end(bytes) : socket.write(bytes))),
  );
  await using http = client();
  const answer = await http.request(httpRequest(endpoint.url));
  const [progress] = callOf(endpoint.url, 1);
  if (!progress) throw new Error('no notification');
  const attempts = new Attempts(
    http,
    { method: 'POST', connectTimeoutMs: PATIENT_MS, responseTimeoutMs: PATIENT_MS },
    systemClock,
  );
  const { verdict } = await attempts.make(entryOf(progress, 1, {}), 1);
  const withoutPort = (error: string) => error.replace(/127\.0\.0\.1:\d+: /, '');
  const reply = replyOf(answer);
  return {
    request:
      reply.result === 'decided'
        ? 'groups' in reply.plan
          ? reply.plan.variables
          : 'hangup' in reply.plan
            ? reply.plan.hangup
            : reply.plan
        : `${reply.result}: ${withoutPort(reply.error)}`,
    notification: verdict.kind === 'delivered' ? 'delivered' : withoutPort(verdict.error),
  };
}

describe('interim answers', () => {
  it.each([
    ['100, unasked', CONTINUE],
    [
      '100 twice, with headers',
      `${CONTINUE}HTTP/1.1 100 Continue\r\nServer: IIS\r\nContent-Length: 9\r\n\r\n`,
    ],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103, then 100', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${CONTINUE}`],
  ])('%s, are read past', async (_, interim) => {
    const expected = { request: { crm_name: '' }, notification: 'delivered' };
    expect(await send({ bytes: interim + ok(DECISION) })).toEqual(expected);
    expect(await send({ bytes: interim + http('503 Busy', '') })).toEqual({
      request: 'http_status: the endpoint answered 503',
      notification: 'the endpoint answered with status 503',
    });
  });

  it('are read past however they are split', async () => {
    const bytes = Buffer.from(`${CONTINUE}${CONTINUE}${ok(DECISION)}`);
    const byteByByte: Play = ({ socket }) => {
      let sent = 0;
      const timer = setInterval(() => {
        if (sent === bytes.length || socket.destroyed) clearInterval(timer);
        else socket.write(bytes.subarray(sent, ++sent));
      }, 1);
    };
    expect((await send({ bytes }, byteByByte)).request).toEqual({ crm_name: '' });
  });

  it('leave the connection usable', async () => {
    await using endpoint = await startEndpoint(({ socket }) => void socket.write(CONTINUE + ok(DECISION)));
    await using httpClient = client();
    for (const reused of [false, true, true]) {
      const answer = await httpClient.request(httpRequest(endpoint.url));
      expect([replyOf(answer).result, answer.timing.reused]).toEqual(['decided', reused]);
    }
    expect(endpoint.connections).toHaveLength(1);
  });

  it('followed by the end of a kept connection do not cause a second request', async () => {
    await using endpoint = await startEndpoint(({ socket, nth }) =>
      nth === 1 ? void socket.write(ok(DECISION)) : void socket.end(CONTINUE),
    );
    await using httpClient = client();
    await httpClient.request(httpRequest(endpoint.url));
    expect(replyOf(await httpClient.request(httpRequest(endpoint.url))).result).toBe('connection_failed');
    expect(endpoint.received).toHaveLength(2);
  });

  it('without end are refused', async () => {
    const bytes = `HTTP/1.1 100 Continue\r\nX: ${'x'.repeat(2 * LIMIT)}`;
    expect((await send({ bytes })).request).toBe(
      'connection_failed: the interim answers are larger than 65536 bytes',
    );
  });
});

describe('bodies', () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  const table: [name: string, answer: Buffer, request: unknown][] = [
    ['UTF-8', ok(NAMED), { crm_name: '张三' }],
    ['UTF-8 with a byte order mark', ok(`\ufeff${NAMED}`, typed('GBK')), { crm_name: '张三' }],
    ['GBK, declared', ok(named(GBK_NAME), typed('GBK')), { crm_name: '张三' }],
    ['GBK, declared as gb2312 in quotes', ok(named(GBK_NAME), typed('"gb2312"')), { crm_name: '张三' }],
    ['Big5, declared', ok(named(Buffer.from([0xb1, 0x69])), typed('big5')), { crm_name: '張' }],
    ['UTF-16, declared', ok(Buffer.from(NAMED, 'utf16le'), typed('utf-16')), { crm_name: '张三' }],
    ['UTF-8 with an unknown charset', ok(NAMED, typed('utf8mb4')), { crm_name: '张三' }],
    [
      'GBK, not declared',
      ok(named(GBK_NAME)),
      'invalid_json: the answer is not valid utf-8; declare another charset in Content-Type',
    ],
    [
      'GBK, declared as UTF-8',
      ok(named(GBK_NAME), typed('utf-8')),
      'invalid_json: the answer is not valid utf-8',
    ],
    [
      'half a character of GBK',
      ok(named(Buffer.from([0xd5])), typed('GBK')),
      'invalid_json: the answer is not valid gbk',
    ],
    [
      'GBK with an unknown charset',
      ok(named(GBK_NAME), typed('x(private)')),
      'invalid_json: the answer has a charset that is not supported: x?private?',
    ],
    ['gzip', ok(gzipSync(NAMED), coded('gzip')), { crm_name: '张三' }],
    ['gzip of GBK', ok(gzipSync(named(GBK_NAME)), coded('x-gzip'), typed('GBK')), { crm_name: '张三' }],
    ['brotli', ok(brotliCompressSync(NAMED), coded('br')), { crm_name: '张三' }],
    ['deflate', ok(deflateSync(NAMED), coded('deflate')), { crm_name: '张三' }],
    ['raw deflate', ok(deflateRawSync(NAMED), coded('deflate')), { crm_name: '张三' }],
    ['plain, with an unknown coding', ok(NAMED, coded('UTF-8')), { crm_name: '张三' }],
    [
      'gzip without a header',
      ok(gzipSync(NAMED)),
      'invalid_json: the answer is compressed with gzip, but has no Content-Encoding',
    ],
    [
      'plain, declared as gzip',
      ok(NAMED, coded('gzip')),
      'invalid_json: the answer is not valid gzip, its Content-Encoding',
    ],
    [
      'half of a gzip body',
      ok(gzipSync(NAMED).subarray(0, 40), coded('gzip')),
      'invalid_json: the answer is not valid gzip, its Content-Encoding',
    ],
    [
      'an unknown coding',
      ok(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), coded('zstd')),
      'invalid_json: the answer has a Content-Encoding that is not supported: zstd',
    ],
    [
      'a gzip bomb',
      ok(bomb, coded('gzip')),
      'body_too_large: the gzip answer is larger than 65536 bytes when decompressed (MAX_BODY_BYTES)',
    ],
    [
      'a brotli bomb',
      ok(brotliCompressSync(Buffer.alloc(50_000_000, ' ')), coded('br')),
      'body_too_large: the br answer is larger than 65536 bytes when decompressed (MAX_BODY_BYTES)',
    ],
    [
      'nothing, declared as gzip',
      ok('', coded('gzip')),
      'empty_body: the endpoint answered 200 with an empty body',
    ],
    [
      'more than the limit',
      ok(Buffer.alloc(2 * LIMIT, ' ')),
      'body_too_large: the answer is larger than 65536 bytes (MAX_BODY_BYTES)',
    ],
  ];

  it.each(table)(
    '%s: the request is read or refused with the reason, the notification delivered',
    async (_, bytes, request) => {
      expect(await send({ bytes })).toEqual({ request, notification: 'delivered' });
    },
  );

  it('that are bombs cost little memory and time', async () => {
    const bytes = ok(bomb, coded('gzip'));
    const before = process.memoryUsage().arrayBuffers;
    const started = performance.now();
    await send({ bytes });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
  });
});

describe('malformed HTTP is refused with the reason', () => {
  const chunk = `${DECISION.length.toString(16)}\r\n${DECISION}\r\n`;
  const length = `Content-Length: ${DECISION.length}`;
  const chunked = 'Transfer-Encoding: chunked';
  const head = (...lines: string[]) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`;
  const notHttp = (reason: string) => `the answer is not HTTP/1.1: ${reason}`;
  const table: [name: string, answer: Answer, reason: string][] = [
    [
      'a body shorter than Content-Length',
      { bytes: head('Content-Length: 500') + DECISION, closes: true },
      `the connection was closed after ${DECISION.length} of the 500 bytes announced by Content-Length`,
    ],
    [
      'a chunked body without its end',
      { bytes: head(chunked) + chunk, closes: true },
      'the connection was closed before the answer was complete',
    ],
    [
      'a malformed chunk',
      { bytes: `${head(chunked)}zz\r\n${DECISION}` },
      notHttp('its chunked body is malformed'),
    ],
    [
      'Content-Length with Transfer-Encoding',
      { bytes: `${head(length, chunked)}${chunk}0\r\n\r\n` },
      notHttp('it has both Content-Length and Transfer-Encoding'),
    ],
    [
      'Transfer-Encoding with Content-Length',
      { bytes: `${head(chunked, length)}${chunk}0\r\n\r\n` },
      notHttp('it has both Content-Length and Transfer-Encoding'),
    ],
    [
      'two Content-Length headers',
      { bytes: head(length, 'Content-Length: 1') + DECISION },
      notHttp('it has several Content-Length headers'),
    ],
    [
      'lines that end with LF alone',
      { bytes: `HTTP/1.1 200 OK\n${length}\n\n${DECISION}` },
      notHttp('a line of its head ends with LF instead of CRLF'),
    ],
    [
      'one header that ends with LF alone',
      { bytes: `HTTP/1.1 200 OK\r\n${length}\nX: y\r\n\r\n${DECISION}` },
      notHttp('a line of its head ends with LF instead of CRLF'),
    ],
    [
      'another protocol',
      { bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
      'the endpoint switched to another protocol (101)',
    ],
  ];

  it.each(table)('%s', async (_, answer, reason) => {
    expect(await send(answer)).toEqual({ request: `connection_failed: ${reason}`, notification: reason });
  });

  it('a body longer than Content-Length is cut there, and the connection is not used again', async () => {
    await using endpoint = await startEndpoint(
      ({ socket }) => void socket.write(`${head('Content-Length: 10')}${DECISION}`),
    );
    await using httpClient = client();
    const answer = await httpClient.request(httpRequest(endpoint.url));
    expect(replyOf(answer)).toMatchObject({ error: 'the answer is not JSON: it is incomplete' });
    const again = await httpClient.request(httpRequest(endpoint.url));
    expect(again.timing.reused).toBe(false);
  });
});

describe('empty values of serializers', () => {
  const absent: [name: string, json: string, request: unknown][] = [
    ['variables: [] (PHP)', `{"variables":[],"dial":${target}}`, {}],
    ['variables: null', `{"variables":null,"dial":${target}}`, {}],
    ['a variable that is null', `{"variables":{"a":null,"b":"1"},"dial":${target}}`, { b: '1' }],
    [
      'strategy, on_fail and final_causes that are null',
      `{"strategy":null,"on_fail":null,"final_causes":null,"dial":${target}}`,
      {},
    ],
    ['final_causes: {} (Lua)', `{"final_causes":{},"dial":${target}}`, {}],
    [
      'an optional field of a target that is null',
      '{"dial":{"type":"user","number":"1","user":"2","domain":null}}',
      {},
    ],
    [
      'an optional field of a hangup that is null',
      '{"dial":{"type":"hangup","cause":17,"sipcode":null}}',
      { cause: 'USER_BUSY' },
    ],
    ['a field that the contract does not know', `{"debug":null,"dial":[${target}]}`, {}],
  ];
  it.each(absent)('%s', async (_, json, request) => {
    expect((await send({ bytes: ok(json) })).request).toEqual(request);
  });

  const wrong: [json: string, error: string][] = [
    [`{"variables":["a"],"dial":${target}}`, 'variables must be an object, not a list'],
    [`{"variables":"","dial":${target}}`, 'variables must be an object, not text'],
    [`{"variables":false,"dial":${target}}`, 'variables must be an object, not false'],
    ['{"dial":null}', 'dial must be a target, a list of targets or a hangup, but is missing'],
    ['{"dial":[]}', 'dial must name a target'],
    ['{"dial":"1000"}', 'dial must be a target, a list of targets or a hangup, not text'],
    [
      '{"dial":{"type":"gateway","gateway":"gw","number":null}}',
      'dial.number must be text, or a whole number of at most 15 digits, but is missing',
    ],
    [
      '{"dial":{"type":"gateway","gateway":"gw","number":["1"]}}',
      'dial.number must be text, or a whole number of at most 15 digits, not a list',
    ],
    [
      '{"dial":{"type":"user","number":"1","user":"+4930123"}}',
      'dial.user must start with a letter, a digit or _',
    ],
    ['[]', 'the answer must be an object, not a list'],
  ];
  it.each(wrong)('%s is refused, naming what came', async (json, error) => {
    expect((await send({ bytes: ok(json) })).request).toBe(`invalid_decision: ${error}`);
  });
});

describe('JSON that loses something is refused with the path, or keeps it', () => {
  const dialling = (number: string) => `{"dial":{"type":"gateway","gateway":"gw","number":${number}}}`;
  const lost = 'is a number that would lose digits: write it as text, in quotes';
  const table: [json: string, request: unknown][] = [
    [`{"variables":{"a":8613800138000123456},"dial":${target}}`, { a: '8613800138000123456' }],
    [
      `{"variables":{"a":0.10000000000000001,"b":1e400,"c":1.50,"d":1e3},"dial":${target}}`,
      { a: '0.10000000000000001', b: '1e400', c: '1.5', d: '1000' },
    ],
    [dialling('8613800138000123456'), `invalid_decision: dial.number ${lost}`],
    [dialling('1e-999'), `invalid_decision: dial.number ${lost}`],
    [dialling('1e3'), {}],
    [`{"request_id":8613800138000123456,"dial":${target}}`, {}],
    [
      `{"variables":{"__proto__":"x"},"dial":${target}}`,
      'invalid_decision: variables.__proto__ is a name that is not allowed',
    ],
    [`{"dial":${target},"dial":{"type":"hangup"}}`, 'invalid_decision: dial occurs more than once'],
    [
      `{"variables":{"a":"1","a":"1"},"dial":${target}}`,
      'invalid_decision: variables.a occurs more than once',
    ],
    [
      `{"debug":${'['.repeat(50)}${']'.repeat(50)},"dial":${target}}`,
      'invalid_decision: debug.0.0.0.0.0.0.0... is nested deeper than 32 levels',
    ],
  ];
  it.each(table)('%s', async (json, request) => {
    expect((await send({ bytes: ok(json) })).request).toEqual(request);
  });
});
