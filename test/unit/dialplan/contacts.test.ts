import { describe, expect, it } from 'vitest';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';

describe('endpointsOfContacts', () => {
  it.each([
    ['one device', 'sofia/internal/sip:1000@10.0.0.9:5060', ['sofia/internal/sip:123@10.0.0.9:5060']],
    [
      'two devices',
      'sofia/internal/sip:1000@10.0.0.9:5060,sofia/external/sip:a@10.0.0.8',
      ['sofia/internal/sip:123@10.0.0.9:5060', 'sofia/external/sip:123@10.0.0.8'],
    ],
    [
      'parameters',
      'sofia/internal/sips:1000@10.0.0.9;transport=tls;fs_path=sip%3A10.0.0.1%3Blr',
      ['sofia/internal/sips:123@10.0.0.9;transport=tls;fs_path=sip%3A10.0.0.1%3Blr'],
    ],
    ['IPv6', 'sofia/internal/sip:1000@[::1]:5060', ['sofia/internal/sip:123@[::1]:5060']],
    ['no scheme', 'sofia/internal/1000@10.0.0.9', ['sofia/internal/123@10.0.0.9']],
    [
      'one device twice',
      'sofia/internal/sip:1000@10.0.0.9,sofia/internal/sip:1001@10.0.0.9',
      ['sofia/internal/sip:123@10.0.0.9'],
    ],
    ['an unregistered user', 'error/user_not_registered', []],
    ['nothing', '', []],
    ['a refusal', '-ERR command not found', []],
    ['no user part', 'sofia/internal/10.0.0.9:5060', []],
  ])('%s', (_, contacts, endpoints) => expect(endpointsOfContacts(contacts, '123')).toEqual(endpoints));

  const good = 'sofia/internal/sip:1000@10.0.0.9';
  it.each([
    ['expansion', 'sofia/internal/sip:x@${system(touch /tmp/x)}'],
    ['expansion in a parameter', 'sofia/internal/sip:x@10.0.0.9;a=${b}'],
    ['a bar', 'sofia/internal/sip:x@10.0.0.9|sofia/gateway/gw/900'],
    ['enterprise originate', 'sofia/internal/sip:x@10.0.0.9;a=:_:sofia/gateway/gw/900'],
    ['a gateway', 'sofia/internal/sip:x@10.0.0.9,sofia/gateway/gw/900@x'],
    ['leg variables', '[api_on_answer=x]sofia/internal/sip:x@10.0.0.9'],
    ['variables behind a comma', 'sofia/internal/sip:x@10.0.0.9;a,{b=c}user/1'],
    ['a loopback', 'loopback/900@x'],
    ['a quote', "sofia/internal/sip:x@10.0.0.9;a='"],
    ['a line end', 'sofia/internal/sip:x@10.0.0.9;a\nexit'],
    ['two at signs', 'sofia/internal/sip:x@y@10.0.0.9'],
    ['600 characters', `sofia/internal/sip:x@10.0.0.9;a=${'b'.repeat(600)}`],
  ])('leaves out only the contact with %s', (_, hostile) => {
    const found = endpointsOfContacts(`${good},${hostile}`, '123');
    expect(found[0]).toBe('sofia/internal/sip:123@10.0.0.9');
    expect(found.join()).not.toMatch(/[${}[\]|'\n]|:_:|900|api_on/);
  });
});
