import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { Example, languages, Scenario, SECRET } from '#test/support/endpoint/scenario.ts';
import { until } from '#test/support/until.ts';

const [A, B, STRANGER] = ['13800000001', '13900000002', '13700000003'];
const [X, EXPIRED, LIMITED, RECORDED] = ['95013001', '95013002', '95013003', '95013004'];
const DAY_MS = 86_400_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

interface Bill {
  readonly id: string;
  readonly uuid: string;
  readonly caller: string;
  readonly number: string;
  readonly seconds: number | null;
}

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario?.stop());

describe.each(languages())('number masking in $name', (language) => {
  let example: Example;
  const records: CallRecord[] = [];
  beforeAll(async () => {
    example = await Example.start(language, 'number-masking', {
      'bindings.json': [
        { number: X, a: A, b: B, expires: at(DAY_MS) },
        { number: EXPIRED, a: A, b: B, expires: at(-DAY_MS) },
        { number: LIMITED, a: A, b: B, expires: at(DAY_MS), max_seconds: 2 },
        { number: RECORDED, a: A, b: B, expires: at(DAY_MS), record: true },
      ],
    });
  }, 120_000);
  afterAll(() => example?.stop());

  async function call(from: string, to: string, byeAt = 60): Promise<CallRecord> {
    const record = await scenario.call(example.url, {
      caller: { number: from, name: `name of ${from}` },
      destination: to,
      callee: () => ({ ringAt: 10, answerAt: 30 }),
      byeAt,
    }).ended;
    records.push(record);
    return record;
  }

  async function lines(file: string): Promise<unknown[]> {
    const text = await readFile(join(example.dir, file), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
  const bills = async () => (await lines('bills.jsonl')) as Bill[];

  it.each([
    [A, B, 60],
    [B, A, 1_200],
  ])('%s reaches %s, who sees the number between them', async (from, other, byeAt) => {
    const { invites, variables } = await call(from, X, byeAt);
    expect(variables['dialhook_result']).toBe('decided');
    expect(invites).toMatchObject([{ gateway: 'gw', number: other, callerNumber: X, callerName: X }]);
  });

  it.each([
    ['a stranger', STRANGER, X],
    ['a binding that has expired', A, EXPIRED],
    ['an unassigned number', A, '95013999'],
  ])('%s is not connected', async (_, from, to) => {
    expect(await call(from, to)).toMatchObject({ invites: [], cause: 'UNALLOCATED_NUMBER', status: 404 });
  });

  it('ends a call at the limit of its binding', async () => {
    expect(await call(A, LIMITED, 60_000)).toMatchObject({
      invites: [{ number: B }],
      cause: 'ALLOTTED_TIMEOUT',
    });
  });

  it('records a call if its binding says so, and notes the name of the recording', async () => {
    const { uuid, applications } = await call(A, RECORDED, 500);
    expect(JSON.stringify(applications)).toContain('recorded.wav');
    await until('it is noted', async () => (await lines('recordings.jsonl')).length > 0);
    const [leg] = uuid.split('.', 1);
    expect(await lines('recordings.jsonl')).toEqual([
      {
        id: expect.stringMatching(new RegExp(`^${leg}\\..*\\.recording$`)),
        ...{ uuid, name: expect.stringMatching(new RegExp(`^${leg}-.*-1\\.wav$`)), complete: true },
      },
    ]);
  });

  it('bills each call once, by the time it was answered', async () => {
    await until('all is billed', async () => (await bills()).length >= records.length);
    const expected = records.map(({ uuid, variables }) => [
      uuid,
      Math.ceil(Number(variables['billmsec']) / 1000),
    ]);
    expect((await bills()).map(({ uuid, seconds }) => [uuid, seconds]).sort()).toEqual(expected.sort());
    expect(expected.map(([, seconds]) => seconds).sort()).toEqual([0, 0, 0, 1, 1, 2, 2]);
  });

  it('does not bill the call of dialhook check --notify', async () => {
    const before = await bills();
    const { code, out } = await runDialhook(
      ['check', example.url, '--notify', '--caller', A, '--destination', X, '--secret', SECRET],
      { env: {} },
    );
    expect([code, out]).toEqual([0, expect.stringContaining('hangup')]);
    expect(await bills()).toEqual(before);
  });

  it('bills nothing twice, also after a restart, and does not bill a call without a hangup', async () => {
    const before = await bills();
    const hangup = {
      action: 'hangup',
      uuid: 'u',
      caller_id_number: A,
      destination_number: X,
      billable_ms: 900_000,
    };
    expect(await example.post(before[0]?.id ?? '', hangup)).toBe(204);
    await example.restart();
    expect(await example.post(before[0]?.id ?? '', hangup)).toBe(204);
    expect(await bills()).toEqual(before);
    const { billable_ms: _, ...unseen } = { ...hangup, recovered: true };
    expect(await example.post('u.u.hangup', unseen)).toBe(204);
    expect((await bills()).at(-1)).toMatchObject({ uuid: 'u', seconds: null });
  });
});
