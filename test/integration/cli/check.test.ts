import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { SCHEMAS } from '#libs/contract/json-schema.ts';
import { verifyWebhook } from '#libs/webhook-signature/webhook-signature.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { owned } from '#test/support/owned.ts';
import { http, selfSigned, startEndpoint } from '#test/support/router/endpoints.ts';

const GOOD =
  '{"dial":[{"type":"gateway","gateway":"gw","number":"7"},{"type":"user","user":"1000","number":"8"}]}';
const DIAL = { type: 'gateway', gateway: 'gw', number: '7' };
const secret = `whsec_${randomBytes(32).toString('base64')}`;

interface Heard {
  readonly request: IncomingMessage;
  readonly body: string;
}

let server: Server;
let url: string;
let heard: Heard[] = [];
let answer: (one: Heard, response: ServerResponse) => void;
const says = (status: number, body: string) => (_: Heard, response: ServerResponse) =>
  void response.writeHead(status, { location: '/elsewhere' }).end(body);
/** What an endpoint does as it should: a decision for a request, and 204 for the rest. */
const behaves = ({ body }: Heard, response: ServerResponse) =>
  body.includes('"action":"request"') ? response.end(GOOD) : response.writeHead(204).end();

beforeAll(async () => {
  server = createServer(
    owned(async (request, response) => {
      const one = { request, body: await text(request) };
      heard.push(one);
      answer(one, response);
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  heard = [];
  answer = behaves;
});

const check = (...args: string[]) => runDialhook(['check', ...args]);

test('a good endpoint: prints the applications for FreeSWITCH, exit code 0', async () => {
  const { code, out } = await check(url);
  expect(code).toBe(0);
  const lines = out.split('\n').map((line) => line.trim());
  expect(lines[0]).toContain(`${url}  HTTP 200`);
  expect(lines).toContainEqual(expect.stringMatching(/^multiset .*;dialhook_result=decided;/));
  expect(lines).toContainEqual(expect.stringMatching(/^bridge \{.*\}sofia\/gateway\/gw\/7$/));
  expect(lines).toContainEqual(expect.stringMatching(/^bridge \{.*\}<8 at each device of 1000@DOMAIN>$/));
  expect(out.indexOf('gw/7')).toBeLessThan(out.indexOf('<8 at'));
});

test('says which limits the call counts towards', async () => {
  const limit = [{ id: 'tenant-7', max: 10, rate: 2 }, { id: 'campaign' }];
  answer = says(200, JSON.stringify({ dial: { type: 'gateway', gateway: 'gw', number: '7' }, limit }));
  const { out } = await check(url);
  expect(out).toMatch(/not reached, else SIP 503:\n +tenant-7: 10 at once, 2 per second\n/);
  expect(out).toContain('campaign: as id:campaign in LIMITS of the agents');
  expect((await check(url, '--json')).json()).toMatchObject({ requests: [{ limits: limit }] });
});

test.each<[decision: object, toCaller: string, toCalled: string[]]>([
  [{ dial: DIAL }, '1000 (the number that it dialled)', ["1001 (the caller's own number)"]],
  [{ dial: DIAL, caller_id: { number: '95588' }, callee_id: { number: '95589' } }, '95589', ['95588']],
  [{ dial: DIAL, caller_id: { privacy: 'full' } }, '1000 (', ['anonymous']],
  [{ dial: DIAL, caller_id: { number: '5', privacy: 'id' } }, '1000 (', ['anonymous, and its network 5']],
  [
    {
      dial: [
        DIAL,
        { type: 'dialstring', dialstring: '{origination_caller_id_number=96}sofia/gateway/gw/8' },
        { type: 'dialstring', dialstring: '[origination_caller_id_number=97]sofia/gateway/gw/8' },
        { ...DIAL, number: '9' },
      ],
    },
    '1000 (',
    ["1001 (the caller's own number)", '96', '97'],
  ],
])('says which number each party is shown: %j', async (decision, toCaller, toCalled) => {
  answer = says(200, JSON.stringify(decision));
  const { out } = await check(url);
  const lines = out.split('\n');
  const said = lines.flatMap(
    (line) => /^The (caller|called party) is shown (.*)$/.exec(line)?.slice(1) ?? [],
  );
  expect(said).toEqual([
    'caller',
    expect.stringContaining(toCaller),
    ...toCalled.flatMap((one) => ['called party', one]),
  ]);
});

test('the numbers shown as JSON; none for a hangup', async () => {
  answer = says(200, JSON.stringify({ dial: DIAL, caller_id: { number: '95588' } }));
  expect((await check(url, '--json')).json()).toMatchObject({
    requests: [{ shown: { to_caller: { number: '1000' }, to_called: [{ number: '95588' }] } }],
  });
  answer = says(200, '{"dial":{"type":"hangup"}}');
  expect((await check(url)).out).not.toContain('is shown');
});

test('warns of keys that are ignored, and refuses another spelling of a field', async () => {
  answer = says(200, JSON.stringify({ dial: DIAL, callerNumber: '95588', note: 'x' }));
  const { code, out } = await check(url);
  expect(code).toBe(0);
  expect(out).toContain('Warning: ignored, because the decision has no such field: callerNumber, note');
  expect((await check(url, '--json')).json()).toMatchObject({
    requests: [{ ignored: ['callerNumber', 'note'] }],
  });
  answer = says(200, JSON.stringify({ dial: DIAL, callerId: { number: '95588' } }));
  const refused = await check(url);
  expect(refused.code).toBe(1);
  expect(refused.out).toContain('invalid_decision  callerId is not a field: write caller_id');
});

test('says what a router would cache, and why not', async () => {
  const caching = (control: string, vary: string) => {
    answer = (one, response) => {
      response.setHeader('cache-control', control).setHeader('dialhook-vary', vary);
      behaves(one, response);
    };
  };
  caching('max-age=30, stale-if-error=300', 'destination_number');
  expect((await check(url)).out).toContain(
    'Cached for 30 s, for 300 s more while the endpoint fails, for calls with the same destination_number,',
  );
  caching('max-age=30', 'number');
  expect((await check(url)).out).toContain('Not cached: Dialhook-Vary: entry 1 must be one of');
  caching('no-store', 'number');
  expect((await check(url)).out).not.toContain('ached');
});

test('each phase of the request is timed: dns, connect, tls, ttfb, body', async () => {
  const names = async (at: string, env = {}) => {
    const { out } = await runDialhook(['check', at], { env });
    return out.split('\n').flatMap((line) => /^ {2}(\w[\w ]*?) +\d[\d.]* ms/.exec(line)?.[1] ?? []);
  };
  expect(await names(url.replace('127.0.0.1', 'localhost'))).toEqual(
    expect.arrayContaining(['dns', 'connect', 'ttfb', 'body']),
  );
  const certificate = selfSigned('IP:127.0.0.1');
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-check-'));
  const ENDPOINT_CA_FILE = join(dir, 'ca.pem');
  await writeFile(ENDPOINT_CA_FILE, certificate.cert);
  await using secure = await startEndpoint(({ socket }) => socket.write(http('200 OK', GOOD)), certificate);
  expect(await names(secure.url, { ENDPOINT_CA_FILE })).toEqual(expect.arrayContaining(['connect', 'tls']));
  expect((await check(secure.url)).out).toContain('\ntls_failed  ');
  await rm(dir, { recursive: true });
});

test('the sample call follows the options and the schema of requests', async () => {
  const args = ['--caller', '13800138000', '--name', '张三', '--destination', '95588', '--context', 'public'];
  await check(url, ...args, '--variable', 'sip_h_X-A=1=2', '--variable', 'b=', '--tried', '77=USER_BUSY');
  expect(EndpointRequest.parse(JSON.parse(heard[0]?.body ?? ''))).toMatchObject({
    caller_id_number: '13800138000',
    caller_id_name: '张三',
    destination_number: '95588',
    context: 'public',
    attempt: 2,
    tried: [{ number: '77', cause: 'USER_BUSY' }],
    variables: { 'sip_h_X-A': '1=2', b: '' },
  });
});

describe('an invalid answer: the wrong field, the remedy, and exit code 1', () => {
  it.each([
    [200, '{"dial":{"type":"gateway","gateway":"gw","number":"1 2"}}', 'invalid_decision', 'dial.number'],
    [200, '{"dial":[{"type":"gateway","gateway":"gw"}]}', 'invalid_decision', 'dial.0.number'],
    [200, '{"dail":{}}', 'invalid_decision', 'dial'],
    [200, '{"dial":{"type":"hangup"}', 'invalid_json', 'not JSON'],
    [200, '<html>', 'html_body', 'HTML'],
    [200, '', 'empty_body', 'empty'],
    [200, ' '.repeat(300_000), 'body_too_large', ''],
    [302, '', 'redirect_refused', '302'],
    [401, '', 'http_status', '401'],
  ])('%i %.60s: %s', async (status, body, result, words) => {
    answer = says(status, body);
    const { code, out } = await check(url);
    expect(code).toBe(1);
    const said = out.split('\n').find((line) => line.startsWith(result));
    expect(said).toContain(words);
    expect(out).toContain('Remedy: ');
    expect(out).not.toContain('FreeSWITCH would get');
    expect((await check(url, '--json')).json()).toMatchObject({
      requests: [{ result, remedy: expect.any(String) }],
    });
  });

  it('one that is silent, and one that is not there', async () => {
    answer = () => {};
    expect((await check(url, '--response-timeout', '80')).out).toContain('\nresponse_timeout  ');
    const closed = await check('http://127.0.0.1:1/');
    expect([closed.code, closed.out]).toEqual([1, expect.stringContaining('\nconnection_failed  ')]);
  });

  it('prints the answer without control characters', async () => {
    answer = says(500, 'oops \u001b[2J');
    const { out } = await check(url);
    expect(out).toContain('    oops ?[2J');
  });
});

test('it signs with --secret or as the settings say, also with GET', async () => {
  for (const args of [['--secret', secret], ['--secret', secret, '--get'], []]) {
    heard = [];
    await runDialhook(['check', url, ...args], {
      env: args.length > 0 ? {} : { ENDPOINT_SIGNING_SECRETS: secret },
    });
    const [one] = heard;
    const get = args.includes('--get');
    expect(one?.request.method).toBe(get ? 'GET' : 'POST');
    const content = get ? (one?.request.url?.split('?')[1] ?? '') : (one?.body ?? '');
    expect(verifyWebhook([secret], one?.request.headers ?? {}, content).id).toMatch(/\.1\.request$/);
  }
});

test('--notify sends all four, and the hangup twice with one webhook-id', async () => {
  const { code, out } = await check(url, '--notify');
  expect(code).toBe(0);
  const actions = heard.slice(1).map(({ body }) => Notification.parse(JSON.parse(body)).action);
  expect(actions).toEqual(['ring', 'progress', 'answer', 'hangup', 'hangup']);
  const ids = heard.map(({ request }) => request.headers['webhook-id']);
  expect(new Set(ids).size).toBe(5);
  expect(ids.at(-1)).toBe(ids.at(-2));
  expect(out).toMatch(/hangup again +delivered, status 204/);
});

test.each([
  [
    (id: string, ids: string[]) => ids.filter((one) => one === id).length > 1,
    409,
    'hangup again',
    'repeated webhook-id',
  ],
  [(id: string) => id.endsWith('.progress'), 422, 'would become a dead letter', 'every action'],
])(
  'an endpoint that does not take a notification: exit code 1, %#',
  async (refuses, status, line, remedy) => {
    const ids: string[] = [];
    answer = (one, response) => {
      const id = String(one.request.headers['webhook-id']);
      ids.push(id);
      if (refuses(id, ids)) response.writeHead(status).end();
      else behaves(one, response);
    };
    const { code, out } = await check(url, '--notify');
    expect(code).toBe(1);
    expect(out).toContain(String(status));
    for (const words of [line, remedy]) expect(out).toContain(words);
  },
);

test('--fallback checks that endpoint too, and both must decide', async () => {
  answer = ({ request }, response) =>
    request.url === '/calls' ? response.end(GOOD) : response.writeHead(500).end();
  expect((await check(url, '--fallback', url)).code).toBe(0);
  const { code, json } = await check(url, '--fallback', `${url}/no`, '--json');
  expect(code).toBe(1);
  expect(json()).toMatchObject({ requests: [{ result: 'decided' }, { result: 'http_status' }] });
});

test.each([
  [[], 'takes one URL'],
  [['http://a/', 'http://b/'], 'takes one URL'],
  [['ftp://a/'], 'http://'],
  [['http://a/b c'], '%20'],
  [['http://a/', '--connect-timeout', 'soon'], 'connect timeout must be'],
  [['http://a/', '--variable', 'x'], 'NAME=VALUE'],
  [['http://a/', '--secret', 'hush'], '--secret: '],
])('check %j is wrong usage', async (args, words) => {
  const { code, out, err } = await check(...args);
  expect([code, out]).toEqual([64, '']);
  expect(err).toContain(words);
  expect(err).not.toContain('hush');
});

test('a setting that is wrong is exit code 78', async () => {
  const { code, err } = await runDialhook(['check', url], { env: { ENDPOINT_SCHEMES: 'ftp' } });
  expect([code, err]).toEqual([78, expect.stringContaining('ENDPOINT_SCHEMES')]);
});

test.each(Object.entries(SCHEMAS))('schema %s prints it', async (name, schema) => {
  const { code, json } = await runDialhook(['schema', name]);
  expect(code).toBe(0);
  expect(json()).toEqual(JSON.parse(JSON.stringify(schema)));
});
