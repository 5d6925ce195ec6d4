import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatArguments, parseArguments } from '#libs/contract/arguments.ts';

const URL = 'http://crm/binding';

describe('parseArguments', () => {
  it.each([
    ['URL alone', URL, URL, 3000, 3000, true],
    ['connect timeout', `${URL} 500`, URL, 500, 3000, true],
    ['both timeouts', `${URL} 500 700`, URL, 500, 700, true],
    ['notify type 0', `${URL} 500 700 0`, URL, 500, 700, false],
    ['notify type 1', `${URL} 500 700 1`, URL, 500, 700, true],
    ['the least timeouts', `${URL} 1 1`, URL, 1, 1, true],
    ['the longest timeouts', `${URL} 60000 60000`, URL, 60_000, 60_000, true],
    ['more space than needed', `  ${URL}   500 \t 700  `, URL, 500, 700, true],
  ])('%s', (_, text, url, connectTimeoutMs, responseTimeoutMs, notify) => {
    expect(parseArguments(text)).toEqual({
      ok: true,
      endpoint: { url, connectTimeoutMs, responseTimeoutMs, notify },
    });
  });

  it.each([
    ['its own query', 'https://crm:8443/b?number=0555&x=%20', 'https://crm:8443/b?number=0555&x=%20'],
    ['an encoded space', 'http://crm/a%20b', 'http://crm/a%20b'],
    ['a bare host', 'http://crm', 'http://crm/'],
    ['capitals in scheme and host', 'HTTP://CRM/Path', 'http://crm/Path'],
    ['a fragment', 'http://crm/a?b=1#c', 'http://crm/a?b=1'],
    ['a dollar sign', 'http://crm/$1?a=${x}', 'http://crm/%241?a=%24{x}'],
    ['a backslash in the query', 'http://crm/?a=b\\n', 'http://crm/?a=b%5Cn'],
    ['a quote in the query', "http://crm/?a='b", 'http://crm/?a=%27b'],
    ['letters beyond ASCII', 'http://crm/张?name=三', 'http://crm/%E5%BC%A0?name=%E4%B8%89'],
    ['a name beyond ASCII', 'http://bücher.example/', 'http://xn--bcher-kva.example/'],
    ['an IPv6 address', 'http://[::1]:9000/b', 'http://[::1]:9000/b'],
    ['credentials', 'http://me:pa$s@crm/', 'http://me:pa%24s@crm/'],
  ])('keeps %s in the URL', (_, text, url) => {
    expect(parseArguments(text)).toMatchObject({ ok: true, endpoint: { url } });
  });

  const timeout = (name: string) => `${name} timeout must be whole milliseconds from 1 to 60000`;
  it.each([
    ['', 'URL is missing: set cti_bridge=http://host/path before socket'],
    ['   ', 'URL is missing: set cti_bridge=http://host/path before socket'],
    ['3000 3000', 'URL must start with http:// or https:// and name a host'],
    ['crm/hostile', 'URL must start with http:// or https:// and name a host'],
    ['ftp://hostile/', 'URL must start with http:// or https:// and name a host'],
    ['javascript:hostile', 'URL must start with http:// or https:// and name a host'],
    ['http://', 'URL must start with http:// or https:// and name a host'],
    ['http://hostile:99999/', 'URL must start with http:// or https:// and name a host'],
    [`${URL} hostile`, timeout('connect')],
    [`${URL} 0`, timeout('connect')],
    [`${URL} -1`, timeout('connect')],
    [`${URL} +1`, timeout('connect')],
    [`${URL} 60001`, timeout('connect')],
    [`${URL} 99999999999999999999`, timeout('connect')],
    [`${URL} 1e3`, timeout('connect')],
    [`${URL} 0x10`, timeout('connect')],
    [`${URL} 1.5`, timeout('connect')],
    [`${URL} 3000ms`, timeout('connect')],
    [`${URL} ٣`, timeout('connect')],
    [`${URL} 3000 hostile`, timeout('response')],
    [`${URL} 3000 0`, timeout('response')],
    [`${URL} 3000 60001`, timeout('response')],
    [`${URL} 3000 3000 2`, 'notify type must be 0 (none) or 1 (progress)'],
    [`${URL} 3000 3000 hostile`, 'notify type must be 0 (none) or 1 (progress)'],
    [`${URL} 3000 3000 1 hostile`, 'fallback URL must start with http:// or https:// and name a host'],
    [`${URL} 3000 3000 1 ftp://hostile/`, 'fallback URL must start with http:// or https:// and name a host'],
    [`${URL} 3000 3000 1 http://b/ hostile`, 'more than five arguments: write a space inside the URL as %20'],
    ['http://crm/a hostile b c d e', 'more than five arguments: write a space inside the URL as %20'],
  ])('refuses "%s" without repeating it', (text, error) => {
    expect(parseArguments(text)).toEqual({ ok: false, error });
  });
});

it('reads the fallback URL', () => {
  expect(parseArguments(`${URL} 500 700 0 HTTPS://backup/$1?a=b#c`)).toEqual({
    ok: true,
    endpoint: {
      url: URL,
      connectTimeoutMs: 500,
      responseTimeoutMs: 700,
      notify: false,
      fallbackUrl: 'https://backup/%241?a=b',
    },
  });
  expect(parseArguments(`${URL} 500 700 0`)).not.toHaveProperty('endpoint.fallbackUrl');
});

describe('formatArguments', () => {
  const endpoint = { url: URL, connectTimeoutMs: 1, responseTimeoutMs: 2, notify: false };
  it.each([
    [endpoint, `${URL} 1 2 0`],
    [{ ...endpoint, fallbackUrl: 'http://b/' }, `${URL} 1 2 0 http://b/`],
  ])('writes all arguments', (given, text) => expect(formatArguments(given)).toBe(text));

  it('writes any URL so that FreeSWITCH expands nothing and it reads back the same', () => {
    const query = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/\s/g, ''));
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), query, fc.boolean(), (base, extra, notify) => {
        const parsed = parseArguments(`${base}${extra} 10 20 ${notify ? 1 : 0} ${base}${extra}`);
        fc.pre(parsed.ok);
        const text = formatArguments(parsed.endpoint);
        expect(text).toMatch(/^[!-~]+ 10 20 [01] [!-~]+$/);
        expect(text).not.toMatch(/[$\\]/);
        expect(parseArguments(text)).toEqual(parsed);
      }),
    );
  });
});

describe('the length of the arguments', () => {
  const TOO_LONG = { ok: false, error: 'cti_bridge is longer than 16384 bytes, percent-encoded' };
  const ofLength = (length: number) =>
    `http://h/${'x'.repeat(length - 'http://h/ 3000 3000 1'.length)} 3000 3000 1`;

  it('is at most 16 KiB', () => {
    expect(parseArguments(ofLength(16_384))).toMatchObject({ ok: true });
    expect(parseArguments(ofLength(16_385))).toEqual(TOO_LONG);
  });

  it('counts percent-encoded, as the agent exports them', () => {
    expect(parseArguments(`http://h/${'é'.repeat(3_000)}`)).toEqual(TOO_LONG);
  });
});
