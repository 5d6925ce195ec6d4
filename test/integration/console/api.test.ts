import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { serveControl } from '#libs/bus/control.ts';
import {
  CallDetail,
  CallList,
  DeadLetterList,
  EndpointList,
  LimitList,
  NodeList,
} from '#libs/contract/console.ts';
import type { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { ServiceStatus } from '#libs/contract/status.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { type DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { callKeys } from '#libs/queue/keys.ts';
import { ROUTES } from '#services/console/routes.ts';
import { type ConsoleHarness, OPERATOR, startHarness, VIEWER } from '#test/support/console/harness.ts';
import { answeredCall, caller, decided, publish, published, received } from '#test/support/console/steps.ts';
import { recordLog } from '#test/support/log.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';
import { until } from '#test/support/until.ts';

let console: ConsoleHarness;
beforeAll(async () => {
  console = await startHarness({ TRACE_URL_TEMPLATE: 'http://grafana/{trace_id}' });
});
afterAll(() => console.stop());

const json = async <T>(answer: Response | Promise<Response>): Promise<T> =>
  (await answer).json() as Promise<T>;
const known = async (uuid: string) =>
  until('the console knows the call', async () => (await calls(`uuid=${uuid}`)).calls.length === 1);
const calls = async (query: string) => CallList.parse(await json(console.get(`/api/calls?${query}`)));

describe('calls', () => {
  it('are listed and shown as soon as the timeline has them', async () => {
    const call = caller({ name: '<img src=x onerror=alert(1)>' });
    publish(console.nats, answeredCall(call));
    await until('it has ended', async () => (await calls(`q=${call.uuid}&state=ended`)).calls.length === 1);
    const detail = CallDetail.parse(await json(console.get(`/api/calls/${call.uuid}`)));
    expect(detail.steps).toEqual(answeredCall(call));
    expect(detail.call).toEqual((await calls(`q=${call.uuid}`)).calls[0]);
    expect(detail.trace_url).toBe(`http://grafana/${call.uuid.replaceAll('-', '')}`);
  });

  it('are known to a console that starts later, the same way', async () => {
    const call = caller();
    publish(console.nats, answeredCall(call));
    await known(call.uuid);
    const other = await console.another();
    const read = async () => {
      const answer = await fetch(`${other}/api/calls?limit=500`, {
        headers: { authorization: `Bearer ${VIEWER}` },
      });
      return CallList.parse(await answer.json());
    };
    const first = await calls('limit=500');
    await until('it has read the timeline', async () => (await read()).kept === first.kept);
    expect(await read()).toEqual(await calls('limit=500'));
  });

  it('of which nothing is known are 404', async () => {
    expect((await console.get('/api/calls/unknown')).status).toBe(404);
  });

  it.each([
    ['/api/calls?foo=1', 'the query has unknown keys: foo'],
    ['/api/calls?limit=0&state=dead', 'state must be one of live, ended'],
    ['/api/calls?limit=501', 'limit must be at most 500'],
    ['/api/calls?limit=many', 'limit is missing or is not a number'],
    [`/api/calls?gateway=${'g'.repeat(201)}`, 'gateway must have at most 200 characters'],
    ['/api/export/calls', 'format must be one of csv, json'],
  ])('%s is 400 with the reason', async (path, error) => {
    const wrong = await console.get(path);
    expect([wrong.status, await wrong.json()]).toEqual([400, { error }]);
  });

  it('that cannot be read of the timeline do no harm to the others', async () => {
    console.nats.publish(`${BUS.timeline}.x`, 'not JSON');
    console.nats.publish(`${BUS.timeline}.x`, JSON.stringify({ v: 2, step: 'received' }));
    const call = caller();
    publish(console.nats, [received(call)]);
    await known(call.uuid);
  });

  it('are sent as server-sent events when they change', async () => {
    const answer = await console.get('/api/events');
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const call = caller();
    await reader?.read();
    publish(console.nats, [received(call), decided(call)]);
    let text = '';
    while (!text.includes(call.uuid)) text += (await reader?.read())?.value ?? '';
    expect(text).toMatch(/event: calls\ndata: \[\{.*"state":"(deciding|routed)"/);
    await reader?.cancel();
  });
});

const status = (instance: string, more: Partial<ServiceStatus>): ServiceStatus => ({
  v: 1,
  service: 'router',
  instance,
  version: '0.1.0',
  time: '2026-03-01T03:00:00.000Z',
  started: '2026-03-01T02:00:00.000Z',
  ready: true,
  checks: { nats: 'ok' },
  figures: {},
  ...more,
});
const tell = (one: ServiceStatus) => console.nats.publish(BUS.status, JSON.stringify(one));

it('lists nodes with their agents, and endpoints with the state from routers and notifiers', async () => {
  const error = {
    time: '2026-03-01T03:00:00.000Z',
    result: 'response_timeout',
    error: 'too late',
    uuid: 'u',
  };
  const origin = 'http://crm.example:8080';
  const endpoint = { origin, requests: 10, failures: 1, p50_ms: 5, p99_ms: 50, last_errors: [error] };
  tell(
    status('agent@a1', {
      service: 'agent',
      node: 'fs-east',
      checks: { freeswitch: 'not logged in' },
      ready: false,
    }),
  );
  tell(status('router@r1', { endpoints: [{ ...endpoint, breaker: 'closed' }] }));
  tell(status('router@r2', { endpoints: [{ ...endpoint, p99_ms: 70, breaker: 'open' }] }));
  await new EndpointState(console.redis, 'dialhook').disable('http://off.example');
  await until(
    'they are heard',
    async () =>
      NodeList.parse(await json(console.get('/api/nodes'))).services.filter(
        ({ service }) => service === 'router',
      ).length === 2,
  );
  const { nodes } = NodeList.parse(await json(console.get('/api/nodes')));
  expect(nodes.find(({ node }) => node === 'fs-east')).toMatchObject({
    live: 0,
    agents: [{ instance: 'agent@a1', ready: false, checks: { freeswitch: 'not logged in' } }],
  });
  const { endpoints } = EndpointList.parse(await json(console.get('/api/endpoints')));
  expect(endpoints).toEqual([
    {
      origin,
      requests: 20,
      failures: 2,
      p50_ms: 5,
      p99_ms: 70,
      breakers: { 'router@r1': 'closed', 'router@r2': 'open' },
      last_errors: [error, error],
    },
    expect.objectContaining({
      origin: 'http://off.example',
      notifications: expect.objectContaining({ state: 'disabled' }),
    }),
  ]);
  const body = { origin: 'http://off.example' };
  expect((await console.post('/api/endpoints/enable', body)).status).toBe(200);
  expect(EndpointList.parse(await json(console.get('/api/endpoints'))).endpoints).toHaveLength(1);
  expect((await console.post('/api/endpoints/disable', body)).status).toBe(200);
  expect(EndpointList.parse(await json(console.get('/api/endpoints'))).endpoints).toHaveLength(2);
});

it('lists limits of all agents, and gateways that have failed, by node', async () => {
  const limit = { limit: 'gw:gw', used: 2, recent: 1, max: 30, refused: 3 };
  const gateway = { gateway: 'gw', failures: 5, rests_until: '2026-03-01T03:01:00.000Z' };
  const agent = (instance: string, node: string, more: Partial<ServiceStatus>) =>
    status(instance, { service: 'agent', node, ...more });
  tell(agent('agent@l1', 'fs1', { limits: [limit], gateways: [gateway] }));
  tell(
    agent('agent@l2', 'fs1', {
      limits: [
        { ...limit, used: 3, refused: 4 },
        { ...limit, limit: 'id:tenant', used: 9 },
      ],
      gateways: [{ gateway: 'gw', failures: 1 }],
    }),
  );
  tell(agent('agent@l3', 'fs2', { gateways: [{ gateway: 'gw', failures: 1 }] }));
  const read = async () => LimitList.parse(await json(console.get('/api/limits')));
  await until('they are heard', async () => (await read()).gateways.length === 2);
  expect(await read()).toEqual({
    limits: [
      { ...limit, limit: 'id:tenant', used: 9 },
      { ...limit, used: 3, refused: 7 },
    ],
    gateways: [
      { ...gateway, node: 'fs1' },
      { gateway: 'gw', failures: 1, node: 'fs2' },
    ],
  });
  const [, one] = NodeList.parse(await json(console.get('/api/nodes'))).nodes;
  expect(one?.agents[0]).not.toHaveProperty('limits');
});

describe('dead letters', () => {
  async function keep(url: string, uuid: string, count = 1): Promise<string[]> {
    const call = callOf(url, count, uuid);
    for (const [order, progress] of call.entries()) {
      const [id = ''] = idsOf([progress]);
      const letter: DeadLetter = {
        ...{ id, order, at: order, trace: {}, progress, call: uuid, origin: new URL(url).origin },
        ...{
          time: Date.parse('2026-01-01T00:00:00Z'),
          attempts: 8,
          reason: 'exhausted',
          error: 'answered 500',
        },
      };
      await new DeadLetters(console.redis, 'dialhook').keep(letter);
    }
    return idsOf(call);
  }
  const list = async (query = '') =>
    DeadLetterList.parse(await json(console.get(`/api/dead-letters${query}`)));

  it('are listed and shown without the secrets of their URL', async () => {
    const [id = ''] = await keep('https://user:hush@b:8443/x?token=hush', 'one');
    expect((await list('?call=one')).dead_letters).toMatchObject([
      { id, endpoint: 'https://b:8443', call: 'one' },
    ]);
    const shown = await console.get(`/api/dead-letters/${encodeURIComponent(id)}`);
    const text = await shown.text();
    expect(text).toContain('answered 500');
    expect(text + JSON.stringify(await list())).not.toContain('hush');
    expect((await console.get('/api/dead-letters/none')).status).toBe(404);
  });

  it('are replayed by id, call, endpoint or time, with an audit line that names the operator', async () => {
    await console.redis.flushall();
    const [first = ''] = await keep('http://a.example/x', 'call-a', 2);
    await keep('http://b.example/x', 'call-b', 1);
    await keep('http://c.example/x', 'call-c', 1);
    await keep('http://d.example/x', 'call-d', 1);
    await new EndpointState(console.redis, 'dialhook').disable('http://d.example');
    const replay = async (body: unknown) => json(console.post('/api/dead-letters/replay', body));
    expect(await replay({ ids: [first] })).toEqual({ replayed: 1, skipped: {} });
    expect(await replay({ call: 'call-a' })).toEqual({ replayed: 1, skipped: {} });
    expect(await replay({ endpoint: 'http://b.example/other' })).toEqual({ replayed: 1, skipped: {} });
    expect(await replay({ until: '2025-01-01T00:00:00Z' })).toEqual({ replayed: 0, skipped: {} });
    expect(await replay({ all: true })).toEqual({ replayed: 1, skipped: { 'http://d.example': 1 } });
    expect((await list()).dead_letters.map(({ call }) => call)).toEqual(['call-d']);
    expect(await console.redis.lrange(callKeys('dialhook', 'call-a').waiting, 0, -1)).toHaveLength(2);
    expect((await console.post('/api/dead-letters/replay', {})).status).toBe(400);
    const audits = console.lines.filter(({ what }) => what === 'replay');
    expect(audits[0]).toMatchObject({
      audit: true,
      who: 'otto',
      role: 'operator',
      which: { ids: [first] },
      replayed: 1,
    });
    expect((await console.post('/api/dead-letters/replay', { all: true }, VIEWER)).status).toBe(403);
  });

  it('cannot be had while Redis is away, which the others do not mind', async () => {
    const url = await console.another({ REDIS_URL: 'unix:///nowhere/redis.sock' });
    const headers = { authorization: `Bearer ${VIEWER}` };
    const letters = await fetch(`${url}/api/dead-letters`, { headers });
    expect([letters.status, await letters.json()]).toEqual([503, { error: 'Redis cannot be reached' }]);
    expect((await fetch(`${url}/api/calls`, { headers })).status).toBe(200);
  });
});

describe('a live call', () => {
  it('is hung up and transferred by an agent of its node, for an operator only, and that is written down', async () => {
    const call = caller({ node: 'fs 1.west' });
    publish(console.nats, [received(call), decided(call), published(call, 'answer', 500)]);
    await known(call.uuid);
    const orders: ControlRequest[] = [];
    let reply: ControlReply = { v: 1, ok: true };
    const { log } = recordLog();
    const bus = await Bus.connect(console.natsServer.url, 'agent', console.lifecycle, log);
    const path = `/api/calls/${call.uuid}`;
    expect((await console.post(`${path}/hangup`, {})).status).toBe(503);
    serveControl(bus, 'fs 1.west', log, new SetAside(log), async (order) => {
      orders.push(order);
      return reply;
    });
    await bus.nats.flush();
    // Also without a body: the header alone says JSON.
    expect(await json(console.post(`${path}/hangup`, undefined))).toEqual({ ok: true });
    expect(await json(console.post(`${path}/transfer`, { destination: '1000', context: 'queue' }))).toEqual({
      ok: true,
    });
    const by = 'otto';
    expect(orders).toEqual([
      { v: 1, do: 'hangup', uuid: call.uuid, by },
      { v: 1, do: 'transfer', uuid: call.uuid, by, destination: '1000', context: 'queue' },
    ]);
    reply = { v: 1, ok: false, error: 'this call has ended' };
    const refused = await console.post(`${path}/hangup`, {});
    expect([refused.status, await refused.json()]).toEqual([409, { error: 'this call has ended' }]);
    expect((await console.post(`${path}/hangup`, {}, VIEWER)).status).toBe(403);
    for (const destination of ['1000 inline', '-both', '', 'a\nb', '${x}'])
      expect((await console.post(`${path}/transfer`, { destination })).status).toBe(400);
    const nowhere = await console.post(`${path}/transfer`, undefined);
    expect([nowhere.status, await nowhere.json()]).toEqual([
      400,
      { error: expect.stringMatching(/^destination/) },
    ]);
    expect((await console.post('/api/calls/unknown/hangup', {})).status).toBe(404);
    expect(orders).toHaveLength(3);
    const audits = console.lines.filter((line) => line['call'] === call.uuid && line['audit'] === true);
    expect(audits.map(({ who, what, result, to }) => [who, what, result, to])).toEqual([
      ['otto', 'hangup', expect.stringContaining('CALL_CONTROL'), undefined],
      ['otto', 'hangup', 'ok', undefined],
      ['otto', 'transfer', 'ok', '1000'],
      ['otto', 'hangup', 'this call has ended', undefined],
    ]);
  });
});

describe('access', () => {
  it('requires a token', async () => {
    for (const { method, path } of ROUTES) {
      const answer = await fetch(`${console.url}${path.replace(/\{\w+\}/, 'x')}`, { method });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    expect((await fetch(`${console.url}/api/events`)).status).toBe(401);
    expect((await fetch(`${console.url}/api/session`)).status).toBe(401);
  });

  const logIn = (token: string, url = console.url) =>
    fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });

  it('is by a session too, in a cookie that no script and no other site can use', async () => {
    const answer = await logIn(OPERATOR);
    expect(await answer.json()).toEqual({ name: 'otto', role: 'operator' });
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(OPERATOR);
    const session = { cookie: cookie.split(';')[0] ?? '' };
    expect((await fetch(`${console.url}/api/calls`, { headers: session })).status).toBe(200);
    const replay = (headers: Record<string, string>) =>
      fetch(`${console.url}/api/dead-letters/replay`, {
        method: 'POST',
        headers: { ...session, 'content-type': 'application/json', ...headers },
        body: '{"call":"none"}',
      });
    expect((await replay({})).status).toBe(403);
    expect((await replay({ 'x-dialhook': 'page' })).status).toBe(200);
    const other = await console.another();
    expect((await fetch(`${other}/api/calls`, { headers: session })).status).toBe(200);
    const rotated = await console.another({ CONSOLE_OPERATOR_TOKENS: 'otto:another-token-0123456789' });
    expect((await fetch(`${rotated}/api/calls`, { headers: session })).status).toBe(401);
    const [name, expiry, signed] = session.cookie.split('=')[1]?.split('.') ?? [];
    const forged = `dialhook_session=${name}.${Number(expiry) + 1}.${signed}`;
    expect((await fetch(`${console.url}/api/calls`, { headers: { cookie: forged } })).status).toBe(401);
  });

  it('waits after ten failed logins from one address', async () => {
    const url = await console.another();
    for (let n = 0; n < 10; n++) expect((await logIn('wrong', url)).status).toBe(401);
    expect((await logIn(OPERATOR, url)).status).toBe(429);
    const bearer = await fetch(`${url}/api/calls`, { headers: { authorization: `Bearer ${VIEWER}` } });
    expect([bearer.status, bearer.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await console.get('/api/calls')).status).toBe(200);
  });

  it('logs no script, token or session', () => {
    const text = JSON.stringify(console.lines);
    for (const secret of [OPERATOR, VIEWER, 'hush']) expect(text).not.toContain(secret);
  });
});

it('the page allows no script but its own', async () => {
  const answer = await fetch(console.url);
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
  expect(policy).not.toContain('unsafe');
  for (const path of ['/page/main.js', '/modules/preact.js', '/modules/@preact/signals.js'])
    expect((await fetch(`${console.url}${path}`)).headers.get('content-type')).toMatch(/javascript/);
  for (const path of ['/page/../config.ts', '/page/%2e%2e/config.ts', '/page/..%2fconfig.ts'])
    expect((await fetch(`${console.url}${path}`)).status).toBeGreaterThanOrEqual(400);
});

it('OpenAPI has every route with its schemas', async () => {
  type Api = { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
  const api = await json<Api>(fetch(`${console.url}/api/openapi.json`));
  for (const { method, path } of ROUTES)
    expect(api.paths[path]?.[method.toLowerCase()]?.responses['200']).toBeDefined();
  const text = JSON.stringify(api);
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
    expect(text).toContain(`"${name}":{`);
});
