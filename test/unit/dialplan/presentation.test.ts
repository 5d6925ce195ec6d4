import { describe, expect, it } from 'vitest';
import { type PresentationSettings, presentation } from '#libs/dialplan/presentation.ts';
import { CALLER } from '#test/support/dialplan/dial.ts';

const HIDDEN = {
  ...CALLER,
  number: 'anonymous',
  name: 'Anonymous',
  withheld: true,
  asserted: '+493012345678',
};
const show = (settings: Partial<PresentationSettings>, caller = CALLER) =>
  presentation(caller, { pass_headers: false, ...settings });

describe('the caller is shown', () => {
  it.each<[string, Partial<PresentationSettings>, string, string]>([
    ['the number it dialled', {}, '0555', '0555'],
    ['callee_id', { callee_id: { number: '4000', name: 'Shop' } }, '4000', 'Shop'],
    ['the number of callee_id as its name too', { callee_id: { number: '4000' } }, '4000', '4000'],
  ])('%s', (_, settings, number, name) => {
    const { callerDisplay, calledLegs } = show(settings);
    expect(callerDisplay).toMatchObject({ initial_callee_id_number: number, initial_callee_id_name: name });
    expect(calledLegs).toMatchObject({
      origination_callee_id_number: number,
      origination_callee_id_name: name,
      ignore_display_updates: 'true',
    });
  });
});

describe('headers', () => {
  it('are kept from both parties', () => {
    const { callerLeg, calledLegs } = show({});
    expect([callerLeg, calledLegs]).toMatchObject([
      { sip_copy_custom_headers: 'false' },
      { sip_copy_custom_headers: 'false' },
    ]);
  });

  it('are left to FreeSWITCH with pass_headers', () => {
    const { callerLeg, calledLegs } = show({ pass_headers: true });
    expect([callerLeg, calledLegs].map((leg) => 'sip_copy_custom_headers' in leg)).toEqual([false, false]);
  });
});

describe('the called party is shown', () => {
  const withheld = {
    origination_caller_id_number: 'anonymous',
    origination_caller_id_name: 'Anonymous',
    origination_privacy: 'hide_name:hide_number',
    sip_cid_type: 'none',
  };
  const shown = (number: string, name: string) => ({
    origination_caller_id_number: number,
    origination_caller_id_name: name,
    origination_privacy: 'screen',
  });
  const asserted = (number: string, name: string) => ({
    origination_caller_id_number: number,
    origination_caller_id_name: name,
    origination_privacy: 'screen:hide_name:hide_number',
    sip_cid_type: 'pid',
    sip_invite_from_uri: 'sip:anonymous@anonymous.invalid',
    sip_from_display: 'Anonymous',
  });
  it.each([
    ['what FreeSWITCH takes from a caller that hides nothing', CALLER, undefined, {}],
    ['nothing of a caller that withholds its number', HIDDEN, undefined, withheld],
    ['nothing of a withheld caller with privacy none', HIDDEN, { privacy: 'none' }, withheld],
    ['nothing of a withheld caller with a name alone', HIDDEN, { name: 'Shop', privacy: 'none' }, withheld],
    ['nothing with privacy full', CALLER, { privacy: 'full' }, withheld],
    ['the number of caller_id', CALLER, { number: '95588' }, shown('95588', '95588')],
    [
      'the number of caller_id, also for a withheld caller',
      HIDDEN,
      { number: '95588' },
      shown('95588', '95588'),
    ],
    ['its own number with privacy id', CALLER, { privacy: 'id' }, asserted('1001', 'Ann')],
    [
      'the asserted number of a withheld caller with privacy id',
      HIDDEN,
      { privacy: 'id' },
      asserted('+493012345678', '+493012345678'),
    ],
    [
      'the number in From of a caller whose network asserts another one',
      { ...CALLER, asserted: '+4930123' },
      undefined,
      shown('1001', 'Ann'),
    ],
    [
      'what FreeSWITCH takes when the asserted number is that in From',
      { ...CALLER, asserted: '1001' },
      undefined,
      {},
    ],
    ['the name of caller_id alone', CALLER, { name: 'Shop' }, shown('1001', 'Shop')],
  ] as const)('%s', (_, caller, caller_id, expected) => {
    const { calledLegs } = show({ caller_id }, caller);
    const {
      sip_copy_custom_headers: _headers,
      origination_callee_id_number: _number,
      origination_callee_id_name: _name,
      ignore_display_updates: _updates,
      ...rest
    } = calledLegs;
    expect(rest).toEqual(expected);
  });

  it.each([
    ['of caller_id', { name: 'A "B" \\ :_:%0a$1;[x]<y>' }, CALLER.name, 'A  B      $1;[x]<y>'],
    ['of the caller with a separator', undefined, "it's: ${x};[y]", 'it’s%3A   x   y'],
    ['of the caller with caller_id', { privacy: 'none' }, '${x};"y"', 'x   y'],
    ['of the caller without a separator as FreeSWITCH does', undefined, 'A ${x};[y]', undefined],
    ['of the caller of which nothing is left', undefined, '\r\n', 'unknown'],
  ] as const)('the name %s', (_, caller_id, name, expected) => {
    const { calledLegs } = show({ caller_id }, { ...CALLER, name });
    expect(calledLegs['origination_caller_id_name']).toBe(expected);
  });

  it.each(['a\r\nTo: b', 'a%0d%0aTo: b', 'a%0D%0ATo: b'])(
    'the name of the caller in one line: %j',
    (name) => {
      const { calledLegs } = show({}, { ...CALLER, name });
      expect(calledLegs['origination_caller_id_name']).toBe('a  To%3A b');
    },
  );

  it.each([
    ['q\n', 'q'],
    ['139\r\nX-Evil: 1', '139X-Evil1'],
    ['139 q', '139q'],
    ['1<2>"3"', '123'],
    ['%{x}', 'x'],
    ['5%', '5'],
    ['a%0d%0ab', 'ab'],
    ['1/2:3@h', '123h'],
    ['\r\n', 'anonymous'],
  ])('the number %j as %j', (number, shownNumber) => {
    const { calledLegs } = show({}, { ...CALLER, number });
    expect(calledLegs['origination_caller_id_number']).toBe(shownNumber);
    expect(show({ caller_id: { name: 'x' } }, { ...CALLER, number }).calledLegs).toMatchObject({
      origination_caller_id_number: shownNumber,
    });
    expect(show({}, { ...CALLER, dialled: number }).callerDisplay).toMatchObject({
      initial_callee_id_number: shownNumber === 'anonymous' ? 'unknown' : shownNumber,
    });
  });

  it.each(['1001', '+4930123', '*72#', '1001;phone-context=x', "a'b"])(
    'the number %j as FreeSWITCH does',
    (number) => {
      expect(show({}, { ...CALLER, number }).calledLegs).not.toHaveProperty('origination_caller_id_number');
    },
  );

  it.each([
    ['Shop%0d%0aX-Evil: 1', 'Shop  X-Evil%3A 1'],
    ['tail\\', 'tail'],
    ['a"b', 'a b'],
    ['ARRAY::a|:b', 'a|%3Ab'],
    [':_:', '4000'],
    ['', '4000'],
    ["O'Brien 100%", "O'Brien 100%25"],
    ['a@b/c%41', 'a%40b%2Fc%2541'],
  ])('the name %j as %j', (name, shownName) => {
    const { calledLegs } = show({ caller_id: { number: '4000', name } });
    expect(calledLegs['origination_caller_id_name']).toBe(shownName);
  });
});
