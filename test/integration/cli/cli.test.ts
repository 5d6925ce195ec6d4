import { execFile } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DeadLetters } from '#libs/queue/dead-letters.ts';
import { entryOf } from '#libs/queue/entry.ts';
import { COMMANDS } from '#services/cli/commands.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

let harness: NotifierHarness;
let deadLetters: DeadLetters;
beforeAll(async () => {
  harness = await NotifierHarness.start();
  deadLetters = harness.deadLetters();
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(async () => {
  await harness.client().flushall();
});

/** Runs the command line within this process. */
function dialhook(...args: string[]) {
  return runDialhook(args, { env: harness.env(), now: () => NOW });
}

/** Stores the notifications of a call as dead letters, all with one time. */
async function keep(url: string, uuid: string, count: number, time: string): Promise<string[]> {
  const call = callOf(url, count, uuid);
  for (const [order, progress] of call.entries())
    await deadLetters.keep({
      ...entryOf(progress, order, {}),
      call: uuid,
      origin: new URL(url).origin,
      time: Date.parse(time),
      attempts: 8,
      reason: 'exhausted',
      error: 'the endpoint answered with status 500\u001b[2J',
      status: 500,
    });
  return idsOf(call);
}

test('dead-letters list prints a table, newest first', async () => {
  await keep('http://a/x', 'one', 1, '2026-01-01T00:00:00Z');
  await keep('https://user:hush@b:8443/x?token=hush', 'two', 1, '2026-01-02T00:00:00Z');
  const { code, out } = await dialhook('dead-letters', 'list');
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'TIME (UTC)                REASON     ATTEMPTS  ENDPOINT        ID              LAST ERROR',
    '2026-01-02T00:00:00.000Z  exhausted  8         https://b:8443  two.leg-0.ring  the endpoint answered with status 500?[2J',
    '2026-01-01T00:00:00.000Z  exhausted  8         http://a        one.leg-0.ring  the endpoint answered with status 500?[2J',
  ]);
  expect((await dialhook('dead-letters', 'list', '--json')).out).not.toContain('hush');
});

test.each([
  [[], ['two', 'one']],
  [['--call', 'one'], ['one']],
  [['--endpoint', 'http://a/other/path'], ['one']],
  [['--since', '2026-01-02'], ['two']],
  [['--since', '12h'], ['two']],
  [['--until', '2026-01-02T00:00:00Z'], ['one']],
  [['--until', '2026-01-01T23:59'], ['one']],
  [['--limit', '1'], ['two']],
  [['--endpoint', 'http://a', '--since', '2026-01-02'], []],
])('list %j: %j', async (args, calls) => {
  await keep('http://a/x', 'one', 1, '2026-01-01T00:00:00Z');
  await keep('http://b/x', 'two', 1, '2026-01-02T00:00:00Z');
  const { code, json } = await dialhook('dead-letters', 'list', ...args, '--json');
  expect((json() as { call: string }[]).map(({ call }) => call)).toEqual(calls);
  expect(code).toBe(calls.length > 0 ? 0 : 1);
});

test('show prints one dead letter as JSON', async () => {
  const [id = ''] = await keep('http://a/x', 'one', 1, '2026-01-01T00:00:00Z');
  const { code, json } = await dialhook('dead-letters', 'show', id);
  expect(code).toBe(0);
  expect(json()).toMatchObject({
    id,
    call: 'one',
    endpoint: 'http://a',
    url: 'http://a/x',
    time: '2026-01-01T00:00:00.000Z',
    attempts: 8,
    reason: 'exhausted',
    status: 500,
    notification: { action: 'ring', uuid: 'one' },
  });
  expect(await dialhook('dead-letters', 'show', 'another')).toMatchObject({
    code: 1,
    err: 'dead letter not found: another',
  });
});

test('replay: by id, call, endpoint, time or all; in order and with the same webhook-id', async () => {
  await using endpoint = await startReceiver();
  await using other = await startReceiver();
  await using _ = await harness.notifier();
  const early = '2026-01-01T00:00:00Z';
  const one = await keep(endpoint.url, 'one', 3, early);
  const two = await keep(endpoint.url, 'two', 3, early);
  const three = await keep(endpoint.url, 'three', 3, '2026-01-02T00:00:00Z');
  const four = await keep(other.url, 'four', 2, early);
  const five = await keep(other.url, 'five', 2, early);
  const replay = async (...args: string[]) =>
    (await dialhook('dead-letters', 'replay', ...args, '--json')).json();

  expect(await replay(...one.slice(1, 2))).toEqual({ replayed: 1, skipped: {} });
  await until('the first replay is delivered', () => endpoint.accepted.length === 1);
  expect(await replay('--call', 'two')).toEqual({ replayed: 3, skipped: {} });
  await until('a call is delivered', () => endpoint.accepted.length === 4);
  expect(await replay('--endpoint', other.url, '--call', 'four')).toEqual({ replayed: 2, skipped: {} });
  await until('the other endpoint has received them', () => other.accepted.length === 2);
  expect(await replay('--since', '1d')).toEqual({ replayed: 3, skipped: {} });
  await until('the newer are delivered', () => endpoint.accepted.length === 7);
  expect(await replay('--all')).toEqual({ replayed: 4, skipped: {} });
  await until('all are delivered', () => endpoint.accepted.length === 9 && other.accepted.length === 4);

  const [first = '', second = '', third = ''] = one;
  expect(endpoint.accepted).toEqual([second, ...two, ...three, first, third]);
  expect(other.accepted).toEqual([...four, ...five]);
  expect(await dialhook('dead-letters', 'replay', '--all')).toMatchObject({ code: 1, out: 'replayed: 0' });
});

test('replay skips a disabled endpoint until it is enabled', async () => {
  await using endpoint = await startReceiver(() => OK);
  await using _ = await harness.notifier();
  const { origin } = new URL(endpoint.url);
  expect(await dialhook('endpoints', 'list')).toMatchObject({ code: 1, out: '' });
  expect(await dialhook('endpoints', 'disable', endpoint.url)).toMatchObject({
    code: 0,
    out: `disabled: ${origin}`,
  });
  const listed = await dialhook('endpoints', 'list');
  expect(listed.code).toBe(0);
  expect(listed.out).toContain(`${origin}  disabled (operator)`);
  const ids = await keep(endpoint.url, 'one', 2, '2026-01-01T00:00:00Z');
  const skipped = await dialhook('dead-letters', 'replay', '--all');
  expect(skipped).toMatchObject({ code: 1, out: 'replayed: 0' });
  expect(skipped.err).toContain(`dialhook endpoints enable ${origin}`);
  expect(await deadLetters.count()).toBe(2);
  expect(await dialhook('endpoints', 'enable', endpoint.url)).toMatchObject({
    code: 0,
    out: `enabled: ${origin}`,
  });
  expect((await dialhook('dead-letters', 'replay', '--all')).code).toBe(0);
  await until('they are delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.accepted).toEqual(ids);
});

test.each([
  [[], 'no such command: (none)'],
  [['dead-letters', 'delete'], 'no such command: dead-letters delete'],
  [['dead-letters', 'list', '--colour'], '--colour'],
  [['dead-letters', 'list', 'x'], 'options only'],
  [['dead-letters', 'list', '--limit', '0'], 'not a whole number'],
  [['dead-letters', 'list', '--since', 'yesterday'], 'is not a time'],
  [['dead-letters', 'list', '--endpoint', 'crm'], 'is not an endpoint URL'],
  [['dead-letters', 'show'], 'takes one ID'],
  [['dead-letters', 'replay'], 'give either IDs'],
  [['dead-letters', 'replay', 'x', '--all'], 'give either IDs'],
  [['endpoints', 'disable'], 'takes one URL'],
])('%j is wrong usage', async (args, words) => {
  const { code, out, err } = await dialhook(...args);
  expect([code, out]).toEqual([64, '']);
  expect(err).toContain(words);
});

test('--help describes every command and its exit codes', async () => {
  const { code, out } = await dialhook('--help');
  expect(code).toBe(0);
  for (const { name } of COMMANDS) {
    expect(out).toContain(`  ${name} `);
    const help = (await dialhook(...name.split(' '), '--help')).out;
    for (const words of [`dialhook ${name}`, 'Exit codes: 0 ', '64', '78']) expect(help).toContain(words);
  }
  const together = (await dialhook('dead-letters', '--help')).out;
  for (const words of ['--since TIME', 'dead-letters list', 'dead-letters replay'])
    expect(together).toContain(words);
});

/** Runs the command line as a process. */
const run = (args: readonly string[], env: Record<string, string>) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ['services/cli/main.ts', ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

test('as a process: results on standard output, and its exit codes', async () => {
  await keep('http://a/x', 'one', 1, '2026-01-01T00:00:00Z');
  const [listed, empty, away, wrong] = await Promise.all([
    run(['dead-letters', 'list', '--json'], harness.env()),
    run(['dead-letters', 'list'], { ...harness.env(), QUEUE_PREFIX: 'empty' }),
    run(['dead-letters', 'list'], { REDIS_URL: 'redis://127.0.0.1:1' }),
    run(['endpoints', 'list'], { REDIS_URL: 'http://:hush@127.0.0.1' }),
  ]);
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.stdout)).toHaveLength(1);
  expect(empty).toEqual({ code: 1, stdout: '', stderr: 'no dead letters\n' });
  expect(away).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('Redis cannot be reached'),
  });
  expect(wrong).toMatchObject({ code: 78, stdout: '', stderr: expect.stringMatching(/REDIS_URL must be.*/) });
  expect(wrong.stderr).not.toContain('hush');
});
