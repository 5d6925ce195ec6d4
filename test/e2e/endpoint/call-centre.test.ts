import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Callee } from '#libs/simulator/call-script.ts';
import { DOMAIN, Example, languages, Scenario } from '#test/support/endpoint/scenario.ts';
import { until } from '#test/support/until.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const always = { zone: 'Asia/Shanghai', days: DAYS, from: '00:00', to: '24:00' };
/** FreeSWITCH counts whole seconds of its clock: of one second next to nothing may be left. */
const RING_SECONDS = 2;
const queue = (agents: string[], hours: object = always) => ({
  agents,
  ring_seconds: RING_SECONDS,
  ...hours,
});

/** The time of day in a zone, so many minutes from now. */
const clock = (zone: string, minutes: number) =>
  new Date(Date.now() + minutes * 60_000).toLocaleTimeString('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
  });
const around = { days: DAYS, from: clock('Asia/Shanghai', -90), to: clock('Asia/Shanghai', 90) };

const CENTRE = {
  '4001': queue(['1001', '1002', '1003', '1004']),
  '4002': queue(['2001', '2002']),
  '4003': queue(['1001', '3002']),
  '4004': queue(['3999']),
  '4005': queue(['2001'], { ...always, days: [] }),
  '4006': queue(['2001'], { ...around, zone: 'Asia/Shanghai' }),
  '4008': { ...queue(['1002', '1004']), ring_seconds: 20, next_after_seconds: 1 },
  '4009': { ...queue(['1004']), ring_seconds: 20, confirm: true },
  '4007': queue(['2001'], { ...around, zone: 'America/Los_Angeles' }),
};

const ANSWERS: Callee = { ringAt: 10, answerAt: 30 };
const BUSY: Callee = { refuse: { at: 10, status: 486 } };
const RINGS: Callee = { ringAt: 10 };
const PHONES: Readonly<Record<string, Callee>> = { '1001': BUSY, '1002': RINGS, '3002': BUSY };

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
  for (const user of ['1001', '1002', '1004', '2001', '2002', '3002'])
    scenario.freeswitch.registerUser(user, [`sip:${user}@192.0.2.1:5060`], DOMAIN);
  // In the directory, with no device.
  for (const user of ['1003', '3999']) scenario.freeswitch.registerUser(user, [], DOMAIN);
});
afterAll(() => scenario?.stop());

describe.each(languages())('a call centre in $name', (language) => {
  let example: Example;
  beforeAll(async () => {
    example = await Example.start(language, 'call-centre', { 'centre.json': CENTRE });
  }, 120_000);
  afterAll(() => example?.stop());

  const place = (destination: string, byeAt?: number) =>
    scenario.call(example.url, {
      caller: { number: '13800000001', name: 'Ann' },
      destination,
      callee: ({ number }) => PHONES[number] ?? ANSWERS,
      ...(byeAt === undefined ? {} : { byeAt }),
    });
  /** An agent is busy until the example gets the notification of the hangup. */
  const ended = async (call: ReturnType<typeof place>) => {
    const record = await call.ended;
    await scenario.taken(call.uuid, 'hangup');
    return record;
  };
  const numbers = (record: { invites: readonly { number: string }[] }) =>
    record.invites.map(({ number }) => number);

  it('tries the next agent after one that is busy, does not answer or has no device', async () => {
    const record = await ended(place('4001', 50));
    expect(numbers(record)).toEqual(['1001', '1002', '1004']);
    expect(record).toMatchObject({ status: 200, cause: 'NORMAL_CLEARING' });
  });

  it('lets an agent go on ringing when the next one is called', async () => {
    const { invites, variables } = await ended(place('4008', 50));
    expect(invites.map(({ number }) => number)).toEqual(['1002', '1004']);
    expect(variables['dialhook_attempt']).toBe('1');
    expect(JSON.stringify(variables['originate_causes'])).toContain('LOSE_RACE');
  });

  it('connects an agent that accepts the call with a key', async () => {
    const call = place('4009');
    await until('the agent is called', () => call.invites.length > 0);
    await sleep(500);
    expect(call.statuses).not.toContain(200);
    const press = setInterval(() => scenario.freeswitch.phone(call.invites[0]?.leg ?? '')?.dtmf('1'), 200);
    await scenario.taken(call.uuid, 'answer').finally(() => clearInterval(press));
    call.hangup();
    expect(await ended(call)).toMatchObject({ status: 200, cause: 'NORMAL_CLEARING' });
  });

  it('is busy when everybody is, after each has been tried once', async () => {
    const record = await place('4003').ended;
    expect(numbers(record)).toEqual(['1001', '3002']);
    expect(record).toMatchObject({ status: 486, cause: 'USER_BUSY' });
    expect(record.variables['dialhook_attempt']).toBe('2');
  });

  it('calls no busy agent, and calls an agent again after its call', async () => {
    const first = place('4002');
    await scenario.taken(first.uuid, 'answer');
    const second = place('4002');
    await scenario.taken(second.uuid, 'answer');
    const third = await place('4002').ended;
    expect(third).toMatchObject({ invites: [], status: 486, cause: 'USER_BUSY' });

    first.hangup();
    await scenario.taken(first.uuid, 'hangup');
    const fourth = await place('4002', 50).ended;
    second.hangup();
    expect(numbers(await first.ended)).toEqual(['2001']);
    expect(numbers(await second.ended)).toEqual(['2002']);
    expect(numbers(fourth)).toEqual(['2001']);
    await scenario.taken(fourth.uuid, 'hangup');
    await scenario.taken(second.uuid, 'hangup');
  });

  it.each([
    ['4005', 480],
    ['4006', 200],
    ['4007', 480],
  ])('keeps its opening hours: %s', async (number, status) => {
    expect((await place(number, 50).ended).status).toBe(status);
  });

  it.each([
    ['4004', 'user_not_registered'],
    ['5000', 'http_status'],
  ])('leaves %s to the dialplan: %s', async (number, result) => {
    const record = await place(number, 50).ended;
    expect(record.variables['dialhook_result']).toBe(result);
    expect(record.invites).toMatchObject([{ gateway: 'fallback' }]);
  });
});
