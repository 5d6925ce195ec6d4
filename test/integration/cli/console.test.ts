import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallSummary } from '#libs/contract/console.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { ServiceStatus } from '#libs/contract/status.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { type ConsoleHarness, startHarness, VIEWER } from '#test/support/console/harness.ts';
import {
  answeredCall,
  attempted,
  caller,
  decided,
  fromCache,
  publish,
  published,
  received,
  requested,
  undecided,
} from '#test/support/console/steps.ts';
import { freePort } from '#test/support/ports.ts';
import { until } from '#test/support/until.ts';

const NOW = Date.parse('2026-03-01T03:10:00Z');
const ESCAPE = '\u001b[2J';

let console: ConsoleHarness;
const answered = caller({ uuid: randomUUID(), from: '13800000001', to: '95588', node: 'fs1' });
const slow = caller({ uuid: randomUUID(), from: '13900000002', name: `Eve${ESCAPE}`, node: 'fs2' });
const live = caller({ uuid: randomUUID(), node: 'fs2' });

const env = () => ({ DIALHOOK_URL: console.url, DIALHOOK_TOKEN: VIEWER });
const dialhook = (...args: string[]) => runDialhook(args, { env: env(), now: () => NOW });

beforeAll(async () => {
  console = await startHarness({ TRACE_URL_TEMPLATE: 'http://grafana/{trace_id}' });
  publish(console.nats, answeredCall(answered));
  publish(console.nats, [
    received(slow),
    { ...requested(slow, 900), result: 'response_timeout', error: 'too slow' } as ReturnType<
      typeof requested
    >,
    undecided(slow),
    published(slow, 'hangup', 3000),
    attempted(slow, 'hangup', 3010, 1, 'retried'),
    attempted(slow, 'hangup', 9010, 2, 'dead'),
  ]);
  publish(console.nats, [received(live), fromCache(live), decided(live), published(live, 'ring', 300)]);
  await until('the console has all calls', async () => {
    const { json, code } = await dialhook('calls', '--json');
    return code === 0 && (json() as CallSummary[]).filter(({ state }) => state !== 'deciding').length === 3;
  });
});
afterAll(() => console?.stop());

test('calls prints a table, newest first', async () => {
  const { code, out } = await dialhook('calls');
  expect(code).toBe(0);
  const [heading, ...rows] = out.split('\n');
  expect(heading).toMatch(/^STARTED \(UTC\) +STATE +NODE +FROM +TO +RESULT/);
  expect(rows.map((row) => [live, slow, answered].find(({ uuid }) => row.includes(uuid))?.uuid)).toEqual([
    live.uuid,
    slow.uuid,
    answered.uuid,
  ]);
  expect(rows[2]).toMatch(
    /13800000001 +95588 +decided +12 ms +3\/3 .*NORMAL_CLEARING, SIP 200, ended by caller/,
  );
});

test.each([
  [[answered.from], [answered]],
  [['--number', slow.from], [slow]],
  [
    ['--node', 'fs2'],
    [live, slow],
  ],
  [['--result', 'response_timeout'], [slow]],
  [['--live'], [live]],
  [['--ended', '--limit', '1'], [slow]],
  [['--since', '1m'], []],
  [['--until', '2026-03-01T03:00:00Z'], []],
])('calls %j', async (args, expected) => {
  const { code, out } = await dialhook('calls', ...args, '--json');
  expect((JSON.parse(out) as CallSummary[]).map(({ uuid }) => uuid)).toEqual(
    expected.map(({ uuid }) => uuid),
  );
  expect(code).toBe(expected.length > 0 ? 0 : 1);
});

test('call prints each step, the answers and the applications sent to FreeSWITCH', async () => {
  const { code, out } = await dialhook('call', answered.uuid.slice(0, 8));
  expect(code).toBe(0);
  const lines = out.split('\n').map((line) => line.trim());
  expect(lines[0]).toBe(`张三 ${answered.from} → ${answered.to}  ended`);
  expect(lines[1]).toBe(answered.uuid);
  for (const words of [
    /^trace +http:\/\/grafana\/[0-9a-f]{32}$/,
    /^\+10 ms +requested .*crm\.example.*HTTP 200, 8 ms \(dns 1, connect 1.2, ttfb 5, body 0.4 ms\)/,
    /^\+12 ms +decided /,
    /^\+300 ms +published +ring: 95588/,
    /^\+310 ms +delivered +ring to .*HTTP 200/,
    /^\+8\.0 s +published +hangup: NORMAL_CLEARING by caller/,
    /^\{"dial":/,
    /^bridge sofia\/gateway\/gw\/95588$/,
  ])
    expect(lines.filter((line) => words.test(line))).toHaveLength(1);
});

test('call prints the error of a call without a decision, and no control characters', async () => {
  const { out } = await dialhook('call', slow.uuid);
  expect(out).toMatch(/error +no answer within 1000 ms/);
  expect(out).toMatch(/retried +hangup .*HTTP 503.*retry in 5\.0 s/);
  expect(out).toMatch(/dead +hangup .*attempt 2/);
  expect(out).not.toContain('\u001b');
  expect(out).toContain('Eve?[2J');
});

test('call prints that a decision came from the cache', async () => {
  const { out } = await dialhook('call', live.uuid);
  expect(out).toMatch(
    /cached +decision of http:\/\/crm\.example.*, 1 min 0 s old, because the request failed \(stale-if-error\)/,
  );
});

test('call --json prints the answer of the API', async () => {
  expect((await dialhook('call', answered.uuid, '--json')).json()).toMatchObject({
    call: { uuid: answered.uuid },
    steps: answeredCall(answered),
  });
});

test('nodes prints agents by node and the other processes; exit code 1 when a check has failed', async () => {
  const status = (
    service: ServiceStatus['service'],
    ready: boolean,
    node?: string,
    freeswitch = ready ? 'ok' : 'not logged in',
  ): ServiceStatus => ({
    v: 1,
    service,
    instance: `${service}@${node ?? 'one'}`,
    ...(node === undefined ? {} : { node }),
    version: '0.1.0',
    time: new Date().toISOString(),
    started: new Date(NOW - 90_000).toISOString(),
    ready,
    checks: { nats: 'ok', freeswitch },
    figures: { calls_in_flight: 3 },
  });
  const send = (...all: ServiceStatus[]) => {
    for (const one of all) console.nats.publish(BUS.status, JSON.stringify(one));
  };
  const nodes = (...words: string[]) =>
    until(`nodes shows ${words}`, async () => {
      const { out } = await dialhook('nodes');
      return words.every((word) => out.includes(word));
    });
  send(status('agent', true, 'fs1'), status('agent', true, 'fs2'), status('router', true));
  await nodes('agent@fs1', 'agent@fs2', 'router@one');
  // The console itself is listed too, and is not ready at first.
  await until('all are ready', async () => (await dialhook('nodes')).code === 0);
  const good = await dialhook('nodes');
  expect(good.out).toMatch(/fs2 +1 +agent@fs2 +ready +ok +0\.1\.0 +1 min 30 s +calls_in_flight 3/);
  expect([good.code, (await dialhook('nodes', '--json')).code]).toEqual([0, 0]);
  send(status('agent', false, 'fs2'));
  await nodes('not ready');
  const bad = await dialhook('nodes');
  expect(bad.code).toBe(1);
  expect(bad.out).toMatch(/agent@fs2 +not ready +freeswitch: not logged in +0\.1\.0 .*calls_in_flight 3/);
  // An agent stays ready when it loses its event socket.
  send(status('agent', true, 'fs2', 'connection lost'));
  await nodes('connection lost');
  const ready = await dialhook('nodes');
  expect(ready.code).toBe(1);
  expect(ready.out).toMatch(/agent@fs2 +ready +freeswitch: connection lost +0\.1\.0/);
  const json = await dialhook('nodes', '--json');
  expect(json.code).toBe(1);
  expect(json.json()).toMatchObject({
    nodes: expect.arrayContaining([
      expect.objectContaining({
        node: 'fs2',
        agents: [
          expect.objectContaining({ ready: true, checks: { nats: 'ok', freeswitch: 'connection lost' } }),
        ],
      }),
    ]),
  });
});

test('limits prints limits with the calls that count, and gateways that rest', async () => {
  const message: ServiceStatus = {
    ...{ v: 1, service: 'agent', instance: 'agent@limits', node: 'fs1', version: '0.1.0', ready: true },
    ...{ time: '2026-03-01T03:10:00.000Z', started: '2026-03-01T03:00:00.000Z', checks: {}, figures: {} },
    limits: [{ limit: 'gw:gw', used: 30, recent: 1, max: 30, refused: 4 }],
    gateways: [{ gateway: 'weak', failures: 5, rests_until: '2026-03-01T03:10:42.000Z' }],
  };
  console.nats.publish(BUS.status, JSON.stringify(message));
  await until('the console has heard it', async () => (await dialhook('limits')).out.includes('gw:gw'));
  const { code, out } = await dialhook('limits');
  expect(code).toBe(0);
  expect(out).toMatch(/LIMIT +AT ONCE +LAST SECOND +REFUSED\ngw:gw +30 of 30 +1 +4/);
  expect(out).toMatch(/GATEWAY +NODE +FAILURES +RESTS FOR\nweak +fs1 +5 +42\.0 s/);
  expect((await dialhook('limits', '--json')).json()).toMatchObject({ limits: [{ used: 30 }] });
});

test.each([[[]], [['--json']]])('tail %j follows calls until it is stopped', async (args) => {
  const stop = new AbortController();
  const lines: string[] = [];
  const running = runDialhook(['tail', ...args], {
    env: env(),
    stop: stop.signal,
    onOut: (line) => lines.push(line),
  });
  const call = caller({ uuid: randomUUID() });
  const sees = (words: string) => lines.some((line) => line.includes(call.uuid) && line.includes(words));
  await until('tail prints the call', async () => {
    publish(console.nats, [received(call), decided(call)]);
    return sees('decided');
  });
  publish(console.nats, [published(call, 'hangup', 8000)]);
  await until('tail prints its end', () => sees('NORMAL_CLEARING'));
  stop.abort();
  expect(await running).toMatchObject({ code: 0, err: '' });
  if (args.length > 0) expect(JSON.parse(lines[0] ?? '')).toHaveProperty('uuid');
});

test.each([
  [['call', randomUUID()], 'the console answered 404'],
  [['call', 'ffffffff-0'], 'no call with a uuid that starts'],
  [['calls', '--result', 'lost'], 'the console answered 400: result must be one of decided, '],
])('%j fails with a message', async (args, words) => {
  const { code, out, err } = await dialhook(...args);
  expect([code, out, err]).toEqual([1, '', expect.stringContaining(words)]);
});

test('errors of the console are reported with their reason', async () => {
  const other = createServer((_, response) => response.end('{"calls": 1}'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const strange = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const calls = (DIALHOOK_URL: string, DIALHOOK_TOKEN = VIEWER) =>
    runDialhook(['calls'], { env: { DIALHOOK_URL, DIALHOOK_TOKEN } });
  expect(await calls(`http://127.0.0.1:${await freePort()}`)).toMatchObject({
    code: 1,
    err: expect.stringContaining('ECONNREFUSED'),
  });
  expect(await calls(console.url, 'wrong')).toMatchObject({ code: 1, err: expect.stringContaining('401') });
  expect(await calls(strange)).toMatchObject({
    code: 1,
    err: expect.stringContaining('not that of a console'),
  });
  expect(await runDialhook(['calls'])).toMatchObject({
    code: 78,
    err: expect.stringContaining('DIALHOOK_TOKEN is required (it is not set)'),
  });
  expect(await calls('ftp://x')).toMatchObject({ code: 78, err: expect.stringContaining('DIALHOOK_URL') });
  other.close();
});

test.each([
  [['calls', 'a', 'b'], 'at most one TEXT'],
  [['calls', '--live', '--ended'], 'either --live or --ended'],
  [['calls', '--limit', '501'], 'at most 500'],
  [['call'], 'one UUID'],
  [['nodes', 'x'], 'options only'],
  [['limits', 'x'], 'options only'],
  [['tail', 'x'], 'options only'],
])('%j is wrong usage', async (args, words) => {
  const { code, err } = await dialhook(...args);
  expect([code, err]).toEqual([64, expect.stringContaining(words)]);
});
