import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Callee, CallScript } from '#libs/simulator/call-script.ts';
import { PrivateNumberServer } from '#test/support/endpoint/private-number-server.ts';
import { Example, languages, Scenario } from '#test/support/endpoint/scenario.ts';
import { until } from '#test/support/until.ts';

const [A, B, X] = ['13800000001', '13900000002', '95013001'];
const ANSWERS: Callee = { ringAt: 10, answerAt: 30 };
const typescript = languages()[0];

let scenario: Scenario;
let server: PrivateNumberServer;
let adapter: Example;
beforeAll(async () => {
  if (typescript === undefined) throw new Error('there is no Node');
  scenario = await Scenario.start();
  server = await PrivateNumberServer.start('app secret');
  adapter = await Example.start(
    typescript,
    'huawei-x-mode',
    {},
    {
      ...{ APP_KEY: 'key', APP_SECRET: 'app secret' },
      ...{ STATUS_URL: server.url('/status'), FEE_URL: server.url('/fee') },
    },
  );
}, 120_000);
afterAll(async () => {
  await adapter?.stop();
  server?.stop();
  await scenario?.stop();
});

const connectInfo = {
  displayCalleeNum: `+86${X}`,
  calleeNum: `+86${B}`,
  maxDuration: 60,
  waitVoice: 'wait.wav',
  recordFlag: 'false',
  lastMinVoice: 'last.wav',
  userData: 'order 17',
};

async function call(operation: object, more: Partial<Omit<CallScript, 'dialplan'>> = {}) {
  server.operation = () => operation;
  const placed = scenario.call(adapter.url, {
    caller: { number: A, name: 'Ann' },
    destination: X,
    callee: () => ANSWERS,
    byeAt: 60,
    ...more,
  });
  return placed.ended;
}

/** The events of a call once its record has come. */
async function eventsOf(uuid: string) {
  await until('the record is there', () => server.of(uuid).some(({ eventType }) => eventType === 'fee'));
  return server.of(uuid);
}

it.each([
  ['as in the reference', { operation: 'connect', connectInfo }],
  ['as in the samples', { operation: 'connect', connectInfo: [connectInfo] }],
])('connects, tells each state and sends the record: %s', async (_, operation) => {
  const { uuid, invites, applications, variables } = await call(operation);
  expect(invites).toMatchObject([{ gateway: 'gw', number: B, callerNumber: X, callerName: X }]);
  expect(variables['dialhook_result']).toBe('decided');
  const events = await eventsOf(uuid);
  expect(events.map(({ eventType }) => eventType)).toEqual([
    ...['callin', 'callout', 'alerting', 'answer', 'disconnect', 'fee'],
  ]);
  const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
  const timestamp = expect.stringMatching(TIME) as string;
  expect(events[0]?.statusInfo).toEqual({
    timestamp,
    sessionId: uuid,
    caller: `+86${A}`,
    called: `+86${X}`,
    notifyMode: 'Block',
  });
  const leg = { timestamp, sessionId: uuid, caller: `+86${X}`, called: `+86${B}`, userData: 'order 17' };
  for (const { statusInfo } of events.slice(1, 4)) expect(statusInfo).toEqual(leg);
  expect(events[4]?.statusInfo).toEqual({ ...leg, stateCode: 0, stateDesc: 'The user releases the call.' });
  expect(events[5]?.feeLst).toMatchObject([
    {
      ...{ callerNum: `+86${A}`, calleeNum: `+86${X}`, fwdDisplayNum: `+86${X}`, fwdDstNum: `+86${B}` },
      ...{
        callInTime: timestamp,
        fwdAlertingTime: timestamp,
        fwdAnswerTime: timestamp,
        callEndTime: timestamp,
      },
      ...{ fwdUnaswRsn: 0, userData: 'order 17', notifyMode: 'Block' },
    },
  ]);
  const ran = JSON.stringify([applications, variables]);
  expect(ran).toContain('wait.wav');
  expect(ran).toContain('last.wav');
  expect(ran).toContain('3600');
});

it.each<[string, Callee, number]>([
  ['busy', { refuse: { at: 10, status: 486 } }, 8102],
  ['an unknown number', { refuse: { at: 10, status: 404 } }, 8100],
  ['refused', { refuse: { at: 10, status: 603 } }, 7503],
])('tells why the second leg failed: %s', async (_, callee, stateCode) => {
  const { uuid } = await call({ operation: 'connect', connectInfo }, { callee: () => callee });
  const events = await eventsOf(uuid);
  expect(events.map(({ eventType }) => eventType)).toEqual(['callin', 'callout', 'disconnect', 'fee']);
  expect(events[2]?.statusInfo).toMatchObject({ stateCode, called: `+86${B}` });
});

it('records a call with recordFlag, and names the file in its record', async () => {
  const recorded = { ...connectInfo, recordFlag: 'true', recordHintTone: 'closed.wav' };
  const { uuid, applications } = await call({ operation: 'connect', connectInfo: recorded });
  expect(JSON.stringify(applications)).toContain('closed.wav both');
  const events = await eventsOf(uuid);
  expect(events.map(({ eventType }) => eventType)).toEqual([
    ...['callin', 'callout', 'alerting', 'answer', 'disconnect', 'fee'],
  ]);
  const recordObjectName = expect.stringMatching(new RegExp(`^${uuid}-.*-1\\.wav$`)) as string;
  expect(events[5]?.feeLst).toMatchObject([{ recordFlag: 1, recordObjectName }]);
});

it('dials a fixed line with its area code', async () => {
  const { invites } = await call({
    operation: 'connect',
    connectInfo: { calleeNum: '+8675528000001' },
  });
  expect(invites).toMatchObject([{ number: '075528000001', callerNumber: X }]);
});

it('closes a call, with its announcement', async () => {
  const { uuid, invites, status } = await call({
    operation: 'close',
    closeInfo: { closeHintTone: 'closed.wav', userData: 'none' },
  });
  expect([invites, status]).toEqual([[], 404]);
  const events = await eventsOf(uuid);
  expect(events.map(({ eventType }) => eventType)).toEqual(['callin', 'disconnect', 'fee']);
  expect(events[1]?.statusInfo).toMatchObject({ stateCode: 8014, called: `+86${X}`, userData: 'none' });
});

it.each([{}, { operation: 'vnc' }, { operation: 'connect' }, { operation: 'connect', connectInfo: {} }])(
  'leaves a call to the dialplan after the answer %j',
  async (operation) => {
    const { invites, variables } = await call(operation);
    expect(variables['dialhook_result']).toBe('http_status');
    expect(invites).toMatchObject([{ gateway: 'fallback' }]);
  },
);

it('sends an event again that the server has not accepted, and none twice', async () => {
  server.status = 503;
  const { uuid } = await call({ operation: 'connect', connectInfo });
  server.status = 200;
  const events = await eventsOf(uuid);
  expect(events.map(({ eventType }) => eventType)).toEqual([
    ...['callin', 'callout', 'alerting', 'answer', 'disconnect', 'fee'],
  ]);
});
