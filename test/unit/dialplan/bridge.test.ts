import { describe, expect, it } from 'vitest';
import type { CallerId } from '#libs/contract/decision.ts';
import { calledVariables } from '#libs/dialplan/applications.ts';
import { type DialableGroup, dialString } from '#libs/dialplan/bridge.ts';
import { parseDialString } from '#libs/simulator/originate/dial-string.ts';
import { CALLER, dialOf } from '#test/support/dialplan/dial.ts';

const WITHHELD = { ...CALLER, number: 'anonymous', name: 'Anonymous', withheld: true, asserted: '+493' };
const number = (value: string) => ({ origination_caller_id_number: value });

/** What FreeSWITCH reads for each leg: number, privacy and type of the identity. */
function shown(group: DialableGroup, caller = WITHHELD, caller_id?: CallerId) {
  const plan = { variables: {}, pass_headers: false, caller_id };
  const called = calledVariables(dialOf([group], { plan, caller }));
  const read = parseDialString(dialString(group, called, caller, caller_id));
  return read?.groups[0]?.map((leg) => {
    const { origination_caller_id_number, origination_privacy, sip_cid_type } = {
      ...Object.fromEntries(leg.variables),
      ...Object.fromEntries(read.variables),
    } as Record<string, string>;
    return [origination_caller_id_number, origination_privacy, sip_cid_type];
  });
}

const HIDDEN = ['anonymous', 'hide_name:hide_number', 'none'];
const own = (value: string) => [value, 'screen', undefined];

describe('a caller number of a dial string', () => {
  const one = { endpoint: 'user/1', variables: {} };
  it.each<[string, DialableGroup, CallerId | undefined, unknown]>([
    ['is not there: the caller stays withheld', { variables: {}, legs: [one] }, undefined, [HIDDEN]],
    [
      'in braces lifts the privacy for every leg',
      { variables: number('95588'), legs: [one, { ...one, variables: number('2') }] },
      undefined,
      [own('95588'), own('95588')],
    ],
    [
      'in the brackets of a leg lifts the privacy for that leg alone',
      { variables: {}, legs: [one, { ...one, variables: number('95588') }] },
      undefined,
      [HIDDEN, own('95588')],
    ],
    [
      'in brackets next to a leg with the parameters of a number',
      {
        variables: {},
        legs: [
          { ...one, tel_params: 'npdi;rn=+2' },
          { ...one, variables: number('95588') },
        ],
      },
      undefined,
      [HIDDEN, own('95588')],
    ],
    [
      'in braces replaces that of caller_id',
      { variables: number('95588'), legs: [one] },
      { number: '4000' },
      [own('95588')],
    ],
    [
      'in brackets does not replace that of caller_id',
      { variables: {}, legs: [{ ...one, variables: number('95588') }] },
      { number: '4000' },
      [own('4000')],
    ],
    [
      'is withheld with privacy full',
      { variables: number('95588'), legs: [one] },
      { privacy: 'full' },
      [HIDDEN],
    ],
    [
      'is asserted with privacy id',
      { variables: {}, legs: [{ ...one, variables: number('95588') }] },
      { privacy: 'id' },
      [['95588', 'screen:hide_name:hide_number', 'pid']],
    ],
    ['that is empty counts as none', { variables: number(''), legs: [one] }, undefined, [HIDDEN]],
  ])('%s', (_, group, caller_id, expected) => expect(shown(group, WITHHELD, caller_id)).toEqual(expected));

  it('comes with its own name, not with the name of the caller', () => {
    const group = { variables: number('95588'), legs: [one] };
    expect(dialString(group, {}, CALLER, undefined)).toContain('origination_caller_id_name=95588');
  });
});
