import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { SocketGuard } from '#services/agent/socket-guard.ts';
import { recordLog } from '#test/support/log.ts';

it('accepts connections from private networks by default', () => {
  const guard = new SocketGuard(readAgentConfig({}).SOCKET_ALLOWED_NETWORKS, recordLog().log);
  const near = [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    '::ffff:192.168.0.1',
    'fd00::1',
    '100.64.0.1',
  ];
  const far = ['8.8.8.8', '::ffff:8.8.8.8', '2001:db8::1', '172.32.0.1', '', '0.0.0.0'];
  expect(near.filter((address) => !guard.admits(address))).toEqual([]);
  expect(far.filter((address) => guard.admits(address))).toEqual([]);
  expect(guard.refused).toBe(far.length);
});

it('accepts connections only from the configured networks', () => {
  const { SOCKET_ALLOWED_NETWORKS } = readAgentConfig({ SOCKET_ALLOWED_NETWORKS: '203.0.113.7,10.0.0.0/30' });
  const guard = new SocketGuard(SOCKET_ALLOWED_NETWORKS, recordLog().log);
  expect(['203.0.113.7', '::ffff:203.0.113.7', '10.0.0.3'].map((one) => guard.admits(one))).not.toContain(
    false,
  );
  expect(['203.0.113.8', '10.0.0.4', '127.0.0.1'].map((one) => guard.admits(one))).not.toContain(true);
});

it('logs one line in ten seconds however many connections it refuses', () => {
  const { log, lines } = recordLog();
  let now = 0;
  const guard = new SocketGuard(['10.0.0.0/8'], log, () => now);
  for (now = 0; now < 25_000; now += 1) guard.admits('8.8.8.8');
  expect(lines.map(({ refused }) => refused)).toEqual([1, 10_001, 20_001]);
});

it('closes the connection before it sends a byte, and creates no call', async () => {
  const { log } = recordLog();
  const guard = new SocketGuard(['10.0.0.0/8'], log);
  const server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    admits: (address) => guard.admits(address),
    onRefused: (_, why) => {
      throw new Error(why);
    },
    onCall: () => Promise.reject(new Error('a call')),
    onError: (error) => {
      throw error;
    },
  });
  const heard: Buffer[] = [];
  const socket = connect(server.port, '127.0.0.1')
    .on('data', (data) => heard.push(data))
    .on('error', () => {});
  await once(socket, 'close');
  expect(Buffer.concat(heard).toString()).toBe('');
  expect([guard.refused, server.size]).toEqual([1, 0]);
  await server.close();
});
