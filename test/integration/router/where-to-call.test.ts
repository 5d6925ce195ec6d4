import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { AddressFilter, hostPattern } from '#libs/http/address-rules.ts';
import type { EndpointClientOptions } from '#libs/http/client.ts';
import { LOOPBACK_NETWORKS, Networks, PRIVATE_NETWORKS } from '#libs/net/networks.ts';
import { client, httpRequest } from '#test/support/router/client.ts';
import { http, selfSigned, startEndpoint } from '#test/support/router/endpoints.ts';

afterEach(() => vi.unstubAllEnvs());

/** Every spelling of an address leads to the same place: what one refuses, all must refuse. */
const SPELLINGS = {
  loopback: [
    '127.0.0.1',
    '127.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '017700000001',
    '0177.0.0.1',
    '%31%32%37.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[::ffff:0:127.0.0.1]',
    '[::127.0.0.1]',
  ],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.16689662',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::a9fe:a9fe]',
    '[2002:a9fe:a9fe::1]',
    '[2001:0:1:2:3:4:5601:5601]',
    '[fd00:ec2::254]',
    '[fe80::a9fe:a9fe]',
    '[fd20:ce::254]',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ],
  nowhere: ['0.0.0.0', '0', '0x0', '[::]', '[::ffff:0.0.0.0]', '255.255.255.255', '224.0.0.1', '[ff02::1]'],
};

const userinfoTricks = (host: string) => [
  `http://crm.example@${host}/`,
  `http://crm.example:80@${host}/`,
  `http://crm.example%2f@${host}/`,
  `http://${host}\\@crm.example/`,
  `http:\\\\${host}/`,
  `http:/${host}/`,
  `http://${host}#@crm.example/`,
  `http://${host}?@crm.example/`,
];

async function resultOf(url: string, options: Partial<EndpointClientOptions> = {}): Promise<string> {
  await using httpClient = client({ lookup: () => Promise.reject(new Error('looked up')), ...options });
  const answer = await httpClient.request(httpRequest(url, { connectTimeoutMs: 1000 }));
  return answer.ok ? String(answer.status) : answer.result;
}

describe('an address in whatever spelling', () => {
  it.each([...SPELLINGS.metadata, ...SPELLINGS.nowhere])(
    '%s is never called, without any setting',
    async (host) => {
      for (const url of [`http://${host}/latest/meta-data/`, ...userinfoTricks(host)])
        expect([url, await resultOf(url)]).toEqual([url, 'refused_url']);
    },
  );

  it.each(SPELLINGS.loopback)('%s is refused with the private ones', async (host) => {
    expect(await resultOf(`http://${host}:1/`, { refusePrivate: true })).toBe('refused_url');
    expect(await resultOf(`http://${host}:1/`, { refusedNetworks: LOOPBACK_NETWORKS })).toBe('refused_url');
  });

  it('of the Internet is not refused', () => {
    const rules = new AddressFilter({ refusePrivate: true });
    for (const address of [
      '93.184.216.34',
      '2606:2800:220:1::1',
      '64:ff9b::5db8:d822',
      '11.0.0.1',
      '172.32.0.1',
    ])
      expect(rules.addressRefusal(address)).toBeUndefined();
    for (const address of ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1', 'fd12::1%eth0'])
      expect(rules.addressRefusal(address)).toContain('ENDPOINT_PRIVATE_NETWORKS');
    expect(rules.addressRefusal('fe80::1%eth0')).toContain('never allowed');
  });
});

describe('DNS rebinding', () => {
  /** A name whose address is another one each time it is looked up. */
  const rebinding = (...turns: string[]) => {
    const looked: string[] = [];
    const lookup = async (hostname: string) => {
      looked.push(hostname);
      const address = turns[Math.min(looked.length, turns.length) - 1] ?? '';
      return [{ address, family: address.includes(':') ? 6 : 4 }];
    };
    return { looked, lookup };
  };

  it('the address that is judged is the one that is connected to: one lookup for a connection', async () => {
    await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', '{}')));
    const { port } = new URL(endpoint.url);
    const { looked, lookup } = rebinding('127.0.0.1', '169.254.169.254');
    await using httpClient = client({ lookup });
    expect(await httpClient.request(httpRequest(`http://rebind.example:${port}/`))).toMatchObject({
      ok: true,
    });
    expect(looked).toEqual(['rebind.example']);
  });

  it('a name that moves to a refused address is refused at its next connection', async () => {
    await using endpoint = await startEndpoint(({ socket }) => {
      socket.end(http('200 OK', '{}', 'Connection: close'));
    });
    const { port } = new URL(endpoint.url);
    const { lookup } = rebinding('127.0.0.1', '169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254');
    await using httpClient = client({ lookup });
    const results = [];
    for (let i = 0; i < 4; i++) {
      const answer = await httpClient.request(httpRequest(`http://rebind.example:${port}/`));
      results.push(answer.ok ? 'called' : answer.result);
    }
    expect(results).toEqual(['called', 'refused_url', 'refused_url', 'refused_url']);
  });

  it('a kept connection that the rebound name has lost is not made again', async () => {
    await using endpoint = await startEndpoint(({ socket, nth }) =>
      nth === 1 ? socket.write(http('200 OK', '{}')) : socket.destroy(),
    );
    const { port } = new URL(endpoint.url);
    const { lookup } = rebinding('127.0.0.1', '169.254.169.254');
    await using httpClient = client({ lookup });
    await httpClient.request(httpRequest(`http://rebind.example:${port}/`));
    expect(await httpClient.request(httpRequest(`http://rebind.example:${port}/`))).toMatchObject({
      result: 'refused_url',
    });
  });

  it('of several addresses only those that may be called are tried', async () => {
    await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', '{}')));
    const { port } = new URL(endpoint.url);
    const lookup = async () => [
      { address: '169.254.169.254', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    await using httpClient = client({ lookup });
    expect(await httpClient.request(httpRequest(`http://both.example:${port}/`))).toMatchObject({ ok: true });
  });

  it('the words name the rule and not the address', async () => {
    await using httpClient = client({ lookup: rebinding('10.1.2.3').lookup, refusePrivate: true });
    const answer = await httpClient.request(httpRequest('http://inside.example/'));
    expect(answer).toMatchObject({
      error: 'inside.example:80: its address is private, which is refused (ENDPOINT_PRIVATE_NETWORKS)',
    });
  });
});

describe('ENDPOINT_ALLOWED_HOSTS', () => {
  it.each<[string, string, boolean]>([
    ['crm.example', 'http://crm.example/', true],
    ['crm.example', 'https://CRM.EXAMPLE.:8443/', true],
    ['crm.example', 'http://xcrm.example/', false],
    ['crm.example', 'http://crm.example.evil/', false],
    ['crm.example', 'http://a.crm.example/', false],
    ['crm.example:443', 'https://crm.example/', true],
    ['crm.example:443', 'http://crm.example/', false],
    ['*.example.org', 'http://a.b.example.org/', true],
    ['*.example.org', 'http://example.org/', false],
    ['*.example.org', 'http://evilexample.org/', false],
    ['*:443', 'https://anything/', true],
    ['*:443', 'https://anything:6379/', false],
    ['Bücher.example', 'http://xn--bcher-kva.example/', true],
    ['10.0.0.5', 'http://0xa000005/', true],
    ['[fd00:0::1]:8080', 'http://[fd00::1]:8080/', true],
  ])('%s and %s: %s', (pattern, url, allowed) => {
    const refusal = new AddressFilter({ allowedHosts: [pattern] }).originRefusal(new URL(url).origin);
    expect(refusal === undefined).toBe(allowed);
  });

  it.each(['', 'http://a', 'a/b', 'a@b', 'a b', '**', 'a:b', '*.', '[::1', 'a:99999999'])(
    '%j is no host',
    (text) => {
      expect(hostPattern(text)).toBeUndefined();
    },
  );

  it.each(userinfoTricks('127.0.0.1:1'))('is not got around by %s', async (url) => {
    expect(await resultOf(url, { allowedHosts: ['crm.example'] })).toBe('refused_url');
  });

  it('refuses before anything is looked up', async () => {
    const looked: string[] = [];
    const lookup = async (name: string) => {
      looked.push(name);
      return [];
    };
    expect(await resultOf('http://secret-in-a-name.evil/', { allowedHosts: ['crm.example'], lookup })).toBe(
      'refused_url',
    );
    expect(looked).toEqual([]);
  });
});

test('with https alone nothing is sent in the clear', async () => {
  await using endpoint = await startEndpoint();
  expect(await resultOf(endpoint.url, { schemes: ['https'] })).toBe('refused_url');
  expect(endpoint.connections).toEqual([]);
});

test.each([
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_x',
  'ftp://a/',
  'unix:/run/x',
  'javascript:1',
  '//a/',
])('%s is not called', async (url) => {
  expect(await resultOf(url)).toBe('refused_url');
});

test('a redirect to a metadata address is not followed', async () => {
  await using endpoint = await startEndpoint(({ socket }) =>
    socket.write(http('302 Found', '', 'Location: http://169.254.169.254/')),
  );
  await using httpClient = client();
  expect(await httpClient.request(httpRequest(endpoint.url))).toMatchObject({ ok: true, status: 302 });
});

test('NODE_TLS_REJECT_UNAUTHORIZED does not turn the check of certificates off', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  await using endpoint = await startEndpoint(
    ({ socket }) => socket.write(http('200 OK', '{}')),
    selfSigned('IP:127.0.0.1'),
  );
  expect(await resultOf(endpoint.url)).toBe('tls_failed');
  expect(endpoint.received).toEqual([]);
});

test('HTTP_PROXY and HTTPS_PROXY have no effect', async () => {
  await using proxy = await startEndpoint(({ socket }) => socket.destroy());
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'])
    vi.stubEnv(name, proxy.url);
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  vi.stubEnv('NO_PROXY', '');
  await using endpoint = await startEndpoint(({ socket }) => void socket.write(http('200 OK', '{}')));
  await using direct = client();
  expect(await direct.request(httpRequest(endpoint.url))).toMatchObject({ ok: true });
  expect([endpoint.received.length, proxy.connections.length]).toEqual([1, 0]);
});

test('networks', () => {
  const near = new Networks(PRIVATE_NETWORKS);
  expect(['', 'x', '1.2.3', '8.8.8.8'].map((address) => near.has(address))).not.toContain(true);
  expect(['::ffff:10.0.0.1', '::1', '10.255.255.255'].map((address) => near.has(address))).not.toContain(
    false,
  );
  expect(() => new Networks(['10.0.0.0/33'])).toThrow();
});
