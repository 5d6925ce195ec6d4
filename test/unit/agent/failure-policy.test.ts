import { expect, it } from 'vitest';
import type { DialPlan } from '#libs/contract/plan.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { failurePolicy } from '#services/agent/failure-policy.ts';

const config = readAgentConfig({ FINAL_CAUSES: 'DECLINE', MAX_REQUESTS_PER_CALL: '3' });
const plan: DialPlan = {
  groups: [{ variables: {}, legs: [{ endpoint: 'user/1', variables: {} }] }],
  variables: {},
  on_fail: 'request',
};
const HOSTS = '127.0.0.1:8084|[::1]:8084';
const socket = (hosts: string) => ({
  variable_current_application: 'socket',
  variable_current_application_data: hosts,
});

it.each([
  [
    'after the first request',
    socket(HOSTS),
    plan,
    { finalCauses: ['DECLINE'], nextRequest: { socket: HOSTS, attempt: 2 } },
  ],
  [
    'once more',
    { ...socket(HOSTS), variable_dialhook_attempt: '2' },
    plan,
    { finalCauses: ['DECLINE'], nextRequest: { socket: HOSTS, attempt: 3 } },
  ],
  ['too often', { ...socket(HOSTS), variable_dialhook_attempt: '3' }, plan, { finalCauses: ['DECLINE'] }],
  [
    'with on_fail: hangup',
    socket(HOSTS),
    { ...plan, on_fail: 'hangup' as const },
    { finalCauses: ['DECLINE'] },
  ],
  ['without knowing the way back', {}, plan, { finalCauses: ['DECLINE'] }],
  [
    'from another application',
    { ...socket(HOSTS), variable_current_application: 'bridge' },
    plan,
    { finalCauses: ['DECLINE'] },
  ],
  ['by hosts that FreeSWITCH would expand', socket('${system(reboot)}'), plan, { finalCauses: ['DECLINE'] }],
  ['by hosts with a line end', socket(`${HOSTS}\nexit`), plan, { finalCauses: ['DECLINE'] }],
  [
    'with final causes of its own',
    socket(HOSTS),
    { ...plan, on_fail: 'hangup' as const, final_causes: ['USER_BUSY' as const] },
    { finalCauses: ['USER_BUSY'] },
  ],
  [
    'with no final cause',
    socket(HOSTS),
    { ...plan, on_fail: 'hangup' as const, final_causes: [] },
    { finalCauses: [] },
  ],
])('failurePolicy: %s', (_, data, given, policy) =>
  expect(failurePolicy(data, given, config)).toEqual(policy),
);
