import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createEndpoint, nodeListener } from '#libs/endpoint/endpoint.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;

it.each([
  ['POST', []],
  ['GET', ['--get']],
])(
  'an endpoint behind node:http passes `dialhook check` with %s, and fails it without the secret',
  async (_, args) => {
    const endpoint = createEndpoint({
      secrets: [secret],
      request: () => ({ dial: { type: 'gateway', gateway: 'gw', number: '7' } }),
      onError: () => {},
    });
    const server = createServer(nodeListener(endpoint)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls?x=a%20b`;
    const signed = ['check', url, '--secret', secret, '--notify', '--name', "O'Brien 张三", ...args];
    const passed = await runDialhook(signed);
    expect(passed.code, passed.out).toBe(0);
    expect((await runDialhook(['check', url, ...args])).code).toBe(1);
    server.closeAllConnections();
    server.close();
  },
);
