import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';

let freeswitch: SimulatedFreeSwitch;
let cluster: TestCluster;
beforeAll(async () => {
  freeswitch = await SimulatedFreeSwitch.start({ name: 'node' });
  const { host, port, password } = freeswitch;
  cluster = await startTestCluster({ eventSocket: { host, port, password } });
});
afterAll(async () => {
  await cluster?.stop();
  await freeswitch?.stop();
});
beforeEach(() => {
  cluster.requests.length = 0;
});

const simulate = (...args: string[]) =>
  runDialhook(['simulate', '--agent', cluster.socket, '--url', cluster.url, ...args]);
const decides = (dial: unknown, more: object = {}) => {
  cluster.answer = () => ({ body: JSON.stringify({ dial, ...more }) });
};

test('places calls through the agent and says where each goes', async () => {
  decides(
    { type: 'gateway', gateway: 'any', number: '7' },
    { variables: { origination_caller_id_number: '95588' } },
  );
  const { code, out } = await simulate(
    '--calls',
    '3',
    '--rate',
    '100',
    '--destination',
    '0099',
    '--caller',
    '13800138000',
  );
  expect(code).toBe(0);
  expect(cluster.requests.map(({ destination_number }) => destination_number).sort()).toEqual([
    '0099',
    '0100',
    '0101',
  ]);
  expect(cluster.requests[0]?.caller_id_number).toBe('13800138000');
  const [, ...rows] = out.split('\n');
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(row).toMatch(/^0\d{3} +decided +95588 +gateway\/any\/7 /);
  expect(cluster.delivered).toEqual([]);
});

test('--busy tries every target; --registered has a device', async () => {
  decides([
    { type: 'gateway', gateway: 'a', number: '1' },
    { type: 'ip', ip: '192.0.2.7:5060', number: '2' },
    { type: 'user', user: '1000', number: '3' },
  ]);
  const { json } = await simulate('--busy', '--registered', '1000', '--json');
  expect(json()).toMatchObject([
    {
      result: 'decided',
      cause: 'USER_BUSY',
      status: 486,
      legs: [
        { gateway: 'a', number: '1' },
        { profile: 'external', host: '192.0.2.7:5060', number: '2' },
        { profile: 'internal', number: '3' },
      ],
    },
  ]);
});

test('a hangup is a decision; an invalid answer has exit code 1 and an error', async () => {
  decides({ type: 'hangup', cause: 17 });
  const hungUp = await simulate();
  expect([hungUp.code, hungUp.out]).toEqual([0, expect.stringContaining('USER_BUSY, SIP 486')]);
  cluster.answer = () => ({ status: 500, body: '' });
  const failed = await simulate();
  expect([failed.code, failed.out]).toEqual([
    1,
    expect.stringMatching(/http_status .* the endpoint answered 500/),
  ]);
});

test('no agent there: exit code 1', async () => {
  const { code, out } = await runDialhook(['simulate', '--agent', '127.0.0.1:1', '--url', cluster.url]);
  expect([code, out]).toEqual([1, expect.stringContaining('no_agent')]);
});

test.each([
  [['--url', 'http://a/'], '--agent HOST:PORT'],
  [['--agent', '127.0.0.1', '--url', 'http://a/'], '--agent HOST:PORT'],
  [['--agent', '127.0.0.1:1'], '--url URL'],
  [['--agent', '127.0.0.1:1', '--url', 'http://a/', '--calls', '0'], 'not a whole number'],
])('simulate %j is wrong usage', async (args, words) => {
  const { code, err } = await runDialhook(['simulate', ...args]);
  expect([code, err]).toEqual([64, expect.stringContaining(words)]);
});
