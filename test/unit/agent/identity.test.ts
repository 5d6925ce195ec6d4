import { describe, expect, it } from 'vitest';
import { assertedNumber, callIdentity, isWithheld } from '#services/agent/call/identity.ts';

const ALICE = {
  'Call-Direction': 'inbound',
  'Caller-Caller-ID-Number': '1001',
  'Caller-Caller-ID-Name': 'Alice',
  'Caller-Destination-Number': '0555',
  variable_sip_from_user: '1001',
  variable_sip_from_display: 'Alice',
};
const asserted = (headers: Record<string, string>) => ({
  ...ALICE,
  'Caller-Caller-ID-Number': '+4930',
  'Caller-Caller-ID-Name': 'Main',
  ...headers,
});

describe('a caller withholds its number', () => {
  it.each<[boolean, Record<string, string>]>([
    [false, {}],
    [true, { 'Caller-Privacy-Hide-Number': 'true' }],
    [true, { variable_sip_from_user: 'Anonymous' }],
    [true, { 'Caller-Caller-ID-Number': 'anonymous' }],
    ...['id', 'user', 'header', 'session', 'full', 'critical', 'none;id', 'user; id', 'history,user'].map(
      (value): [boolean, Record<string, string>] => [true, { variable_sip_Privacy: value }],
    ),
    ...['none', 'history', 'None', ''].map((value): [boolean, Record<string, string>] => [
      false,
      { variable_sip_Privacy: value },
    ]),
    ...['full', 'name', 'uri', 'number', '"yes"', 'Full'].map((value): [boolean, Record<string, string>] => [
      true,
      { 'variable_sip_Remote-Party-ID': `"A" <sip:1@h>;party=calling;privacy=${value};screen=yes` },
    ]),
    ...['off', 'OFF', 'no', 'ipaddr'].map((value): [boolean, Record<string, string>] => [
      false,
      { 'variable_sip_Remote-Party-ID': `<sip:1@h>;privacy=${value}` },
    ]),
    [false, { 'variable_sip_Remote-Party-ID': '"privacy=full" <sip:1@h>' }],
  ])('%j with %j', (withheld, more) => {
    const data = { ...ALICE, ...more };
    expect(isWithheld(data, 'Caller')).toBe(withheld);
    expect(callIdentity(data, 'Caller').caller_id_number === 'anonymous').toBe(withheld);
  });
});

describe('the caller presents', () => {
  it.each<[string, Record<string, string>]>([
    ['P-Asserted-Identity', { 'variable_sip_P-Asserted-Identity': '+4930' }],
    ['P-Asserted-Identity with its host', { 'variable_sip_P-Asserted-Identity': '+4930@h' }],
    ['the whole P-Asserted-Identity', { 'variable_sip_P-Asserted-Identity': '"Main" <sip:+4930@h>' }],
    ['P-Asserted-Identity with parameters', { 'variable_sip_P-Asserted-Identity': '+4930;cpc=ordinary' }],
    ['an escaped P-Asserted-Identity', { 'variable_sip_P-Asserted-Identity': '%2B4930' }],
    ['P-Asserted-Identity with a tel URI', { 'variable_sip_P-Asserted-Identity': '<tel:+4930;ext=1>' }],
    ['P-Preferred-Identity', { 'variable_sip_P-Preferred-Identity': '<sip:+4930@h>' }],
    ['Remote-Party-ID', { 'variable_sip_Remote-Party-ID': '<sip:+4930@h>;privacy=off' }],
  ])('the number in From, not that in %s', (_, headers) => {
    const data = asserted({ variable_sip_cid_type: 'pid', ...headers });
    expect(callIdentity(data, 'Caller')).toMatchObject({ caller_id_number: '1001', caller_id_name: 'Alice' });
    expect(assertedNumber(data)).toBe('+4930');
  });

  it.each(['', '%zz', '<>'])('nothing that is asserted by %j', (value) =>
    expect(assertedNumber({ 'variable_sip_P-Asserted-Identity': value })).not.toContain('4930'),
  );

  it('the number that the dialplan has set', () => {
    const data = asserted({ 'variable_sip_P-Asserted-Identity': '030' });
    expect(callIdentity(data, 'Caller')).toMatchObject({ caller_id_number: '+4930', caller_id_name: 'Main' });
  });

  it('the number in the profile of a called leg that is transferred here', () => {
    const data = asserted({ 'Call-Direction': 'outbound', 'variable_sip_P-Asserted-Identity': '+4930' });
    expect(callIdentity(data, 'Caller')).toMatchObject({ caller_id_number: '+4930' });
  });
});
