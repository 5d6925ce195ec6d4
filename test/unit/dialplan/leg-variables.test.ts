import { expect, it } from 'vitest';
import { legVariables } from '#libs/dialplan/leg-variables.ts';

it.each([
  ['loopback/7888/default', true],
  ['user/1000@pbx.example', true],
  ['sofia/gateway/loopback/1', false],
  ['sofia/internal/user/1@host', false],
])('%s: its two ends stay in the call: %s', (endpoint, stays) => {
  const variables = legVariables({ endpoint, timeout: 5 });
  expect(variables['loopback_bowout']).toBe(stays ? 'false' : undefined);
  expect(variables['execute_on_originate']).toBe('sched_hangup +6 NO_ANSWER');
});
