import { expect, it } from 'vitest';
import type { DialPlan } from '#libs/contract/plan.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { failurePolicy } from '#services/agent/failure-policy.ts';

const config = readAgentConfig({ FINAL_CAUSES: 'DECLINE', MAX_REQUESTS_PER_CALL: '3' });
const plan: DialPlan = {
  groups: [{ variables: {}, legs: [{ endpoint: 'user/1', variables: {} }] }],
  variables: {},
  on_fail: 'request',
  on_redirect: 'fail',
  pass_headers: false,
};
const HOSTS = '127.0.0.1:8084|[::1]:8084';
const socket = (hosts: string) => ({
  variable_current_application: 'socket',
  variable_current_application_data: hosts,
});

const NO_REQUEST = { requestAgain: false, onRedirect: 'fail' };
const again = (finalCauses: string[], rest: object = { requestAgain: true, onRedirect: 'fail' }) => ({
  finalCauses,
  socket: HOSTS,
  ...rest,
});
const made = (attempt: string) => ({
  'Unique-ID': 'u',
  variable_dialhook_call: 'u',
  variable_dialhook_attempt: attempt,
  ...socket(HOSTS),
});
const without = { ...again(['DECLINE'], NO_REQUEST), socket: undefined };

it.each<[string, Record<string, string>, DialPlan, object]>([
  ['the first request', socket(HOSTS), plan, again(['DECLINE'])],
  ['the second request', made('1'), plan, again(['DECLINE'])],
  ['the last request that is allowed', made('2'), plan, again(['DECLINE'], NO_REQUEST)],
  ['on_fail hangup', socket(HOSTS), { ...plan, on_fail: 'hangup' }, again(['DECLINE'], NO_REQUEST)],
  [
    'on_redirect request',
    socket(HOSTS),
    { ...plan, on_fail: 'hangup', on_redirect: 'request' },
    again(['DECLINE'], { requestAgain: false, onRedirect: 'request' }),
  ],
  [
    'on_redirect request after the last request',
    made('2'),
    { ...plan, on_redirect: 'request' },
    again(['DECLINE'], NO_REQUEST),
  ],
  [
    'on_redirect follow after the last request',
    made('2'),
    { ...plan, on_redirect: 'follow' },
    again(['DECLINE'], { requestAgain: false, onRedirect: 'follow' }),
  ],
  ['no socket application', {}, plan, without],
  ['another application', { ...socket(HOSTS), variable_current_application: 'bridge' }, plan, without],
  ['hosts that FreeSWITCH would expand', socket('${system(reboot)}'), plan, without],
  ['hosts with a line end', socket(`${HOSTS}\nexit`), plan, without],
  ['its own final causes', socket(HOSTS), { ...plan, final_causes: ['USER_BUSY'] }, again(['USER_BUSY'])],
  [
    'retry causes: FINAL_CAUSES does not hold',
    socket(HOSTS),
    { ...plan, retry_causes: ['USER_BUSY'] },
    { ...again([]), retryCauses: ['USER_BUSY'] },
  ],
  ['no final cause', socket(HOSTS), { ...plan, final_causes: [] }, again([])],
])('with %s', (_, data, given, policy) => expect(failurePolicy(data, given, config)).toEqual(policy));
