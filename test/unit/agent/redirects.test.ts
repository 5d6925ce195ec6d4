import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAgentConfig } from '#services/agent/config.ts';
import { redirectEndpoint } from '#services/agent/redirects.ts';

const allowed = (hosts: string) => readAgentConfig({ REDIRECT_ALLOWED_HOSTS: hosts }).REDIRECT_ALLOWED_HOSTS;
const HOSTS = allowed('pbx.example, 10.0.0.9:5080, internal/[fd00::1]:5060');

describe('the address of a redirect', () => {
  it.each([
    ['sip:bob@pbx.example', 'sofia/external/bob@pbx.example'],
    ['sip:bob@PBX.Example:5070;transport=tcp', 'sofia/external/bob@pbx.example:5070'],
    ['sip:%2B4930@pbx.example', 'sofia/external/+4930@pbx.example'],
    ['sip:+1;npdi;rn=+2@pbx.example', 'sofia/external/+1;npdi;rn=+2@pbx.example'],
    ['sip:1@10.0.0.9:5080', 'sofia/external/1@10.0.0.9:5080'],
    ['sip:1@[fd00::1]:5060', 'sofia/internal/1@[fd00::1]:5060'],
    ['sip:1@pbx.example?X-Evil=1', 'sofia/external/1@pbx.example'],
  ])('%s is dialled as %s', (uri, endpoint) => expect(redirectEndpoint(uri, HOSTS)).toBe(endpoint));

  it.each([
    '',
    'sip:',
    'sip:pbx.example',
    'sip:bob@elsewhere.example',
    'sip:bob@pbx.example.evil.example',
    'sip:bob@pbx.example@evil.example',
    'sip:1@10.0.0.9',
    'sip:1@10.0.0.9:5081',
    'sip:1@pbx.example:99999',
    'sips:bob@pbx.example',
    'tel:+4930',
    'sip:a b@pbx.example',
    'sip:a,b@pbx.example',
    'sip:${system(reboot)}@pbx.example',
    'sip:1;maddr=10.0.0.1@pbx.example',
    'sip:%0a@pbx.example',
    'sip:%zz@pbx.example',
  ])('%j is not dialled', (uri) => expect(redirectEndpoint(uri, HOSTS)).toBeUndefined());

  it('is dialled nowhere without the setting', () =>
    expect(redirectEndpoint('sip:bob@pbx.example', allowed(''))).toBeUndefined());

  it('leads to no other host and holds nothing that a dial string could be split at', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'sip:',
        'bob',
        '@',
        'pbx.example',
        ':5060',
        ';',
        '=',
        '%40',
        ',',
        '|',
        '{',
        '${x}',
        "'",
      ),
      fc.string({ maxLength: 3 }),
    );
    const uri = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(uri, (text) => {
        const endpoint = redirectEndpoint(text, HOSTS);
        return endpoint === undefined || /^sofia\/external\/[\w*#+.;=-]+@pbx\.example(:\d+)?$/.test(endpoint);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('REDIRECT_ALLOWED_HOSTS', () => {
  it.each(['http://pbx.example', 'pbx.example:0', 'a/b/c', '*', '-a', 'fd00::1'])('refuses %s', (hosts) =>
    expect(() => allowed(hosts)).toThrow(`must be hosts such as pbx.example`),
  );

  it('must be set when DEFAULT_DECISION follows redirects', () => {
    const decision = '{"on_redirect":"follow","dial":{"type":"gateway","gateway":"gw","number":1}}';
    expect(() => readAgentConfig({ DEFAULT_DECISION: decision })).toThrow(
      'REDIRECT_ALLOWED_HOSTS must be set',
    );
    expect(readAgentConfig({ DEFAULT_DECISION: decision, REDIRECT_ALLOWED_HOSTS: 'h' })).toMatchObject({
      DEFAULT_DECISION: { on_redirect: 'follow' },
    });
  });
});
