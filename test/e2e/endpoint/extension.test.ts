import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import { Example, languages, Scenario } from '#test/support/endpoint/scenario.ts';
import { until } from '#test/support/until.ts';

const [STRANGER, PARTY] = ['13700000003', '13800000001'];
const X = '95013001';
const DAY_MS = 86_400_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario?.stop());

describe.each(languages())('extension numbers in $name', (language) => {
  let example: Example;
  beforeAll(async () => {
    example = await Example.start(language, 'extension', {
      'extensions.json': [
        { number: X, extension: '8001', party: PARTY, expires: at(DAY_MS) },
        { number: X, extension: '8002', party: '13900000002', expires: at(-DAY_MS) },
      ],
    });
  }, 120_000);
  afterAll(() => example?.stop());

  /** Types each of `tries` when the endpoint has requested it. */
  async function call(tries: readonly string[], destination = X): Promise<CallRecord> {
    const placed = scenario.call(example.url, {
      caller: { number: STRANGER, name: 'Ann' },
      destination,
      callee: () => ({ ringAt: 10, answerAt: 30 }),
      byeAt: 60_000,
    });
    const requests = () => scenario.decided(placed.uuid);
    for (const [index, digits] of tries.entries()) {
      await until(`decision ${index + 1} is carried out`, () => requests() > index);
      await sleep(300);
      scenario.freeswitch.phone(placed.uuid)?.dtmf(digits);
    }
    await until('all is decided', () => requests() > tries.length || scenario.hasEnded(placed.uuid));
    if (placed.invites.length > 0) {
      await scenario.taken(placed.uuid, 'answer');
      placed.hangup();
    }
    return placed.ended;
  }

  it('connects the caller with the party of the extension', async () => {
    const { invites, variables } = await call(['8001']);
    expect(invites).toMatchObject([{ gateway: 'gw', number: PARTY, callerNumber: X, callerName: X }]);
    expect(JSON.stringify(variables)).toContain('600');
  });

  it('lets the caller try again', async () => {
    const { invites } = await call(['8003#', '8001']);
    expect(invites).toMatchObject([{ number: PARTY }]);
  });

  it.each([[['1#', '2#', '8002']], [['#', '#', '#']]])('hangs up after three tries: %j', async (tries) => {
    expect(await call(tries)).toMatchObject({ invites: [], cause: 'UNALLOCATED_NUMBER' });
  });

  it('refuses a number without extensions at once', async () => {
    expect(await call([], '95013999')).toMatchObject({ invites: [], status: 404 });
  });
});
