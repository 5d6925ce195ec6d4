import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Bus } from '#libs/bus/connection.ts';
import { readConfig } from '#libs/config/config.ts';
import { checkNatsSettings, commonSettings } from '#libs/config/settings.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startNatsCluster } from '#test/support/servers/nats-cluster.ts';
import { until } from '#test/support/until.ts';

const Settings = z.object(commonSettings).superRefine(checkNatsSettings);
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function connect(env: Record<string, string>, { log, lines } = recordLog()) {
  const lifecycle = new Lifecycle(log, 5_000);
  open.push(() => lifecycle.stop());
  const bus = await Bus.connect(readConfig(Settings, env), 'test', lifecycle, log);
  const events = (name: string) => lines.filter(({ event }) => event === name);
  return { bus, events };
}

async function reconnectedAfterMs(bus: Bus): Promise<number> {
  const since = performance.now();
  await until('it has lost the server', () => !bus.connected);
  await until('it is connected again', () => bus.connected);
  return performance.now() - since;
}

/** A server that sends INFO and closes at the client's CONNECT. Before `closes` it refuses connections. */
async function startClosingServer() {
  const state = { closes: false, closed: 0 };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (!state.closes) {
      socket.destroy();
      return;
    }
    const info = { server_id: 'x', version: '2.9.10', proto: 1, headers: true, max_payload: 1024 };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.once('data', () => {
      state.closed++;
      socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  return { state, url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('a service that loses its NATS server', () => {
  it('does not wait for servers that close between INFO and PONG', async () => {
    const closing = await Promise.all(Array.from({ length: 4 }, startClosingServer));
    const [first, second] = [await startNats(), await startNats()];
    open.push(first.stop, second.stop);
    const urls = (...servers: { url: string }[]) => servers.map(({ url }) => url).join(',');
    const { bus } = await connect({ NATS_URL: urls(first, ...closing, second) });
    const current = bus.nats.getServer().endsWith(String(first.port)) ? first : second;
    for (const { state } of closing) state.closes = true;
    await current.kill();
    expect(await reconnectedAfterMs(bus)).toBeLessThan(1_500);
  });

  it('leaves a server that accepts the connection and sends nothing, after 2 s', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    open.push(() => silent.close());
    const nats = await startNats();
    open.push(nats.stop);
    const since = performance.now();
    const { port } = silent.address() as AddressInfo;
    await connect({ NATS_URL: `nats://127.0.0.1:${port},${nats.url}` });
    expect(performance.now() - since).toBeLessThan(3_500);
  });

  it('leaves a server that hangs within 9 s, for one that the cluster announced', async () => {
    await using cluster = await startNatsCluster();
    const [first] = cluster.nodes;
    if (!first) throw new Error('no node');
    const { bus } = await connect({ NATS_URL: first.url });
    await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
    first.pause();
    expect(await reconnectedAfterMs(bus)).toBeLessThan(9_000);
    expect(bus.nats.getServer()).not.toContain(`${first.host}:`);
  });
});

describe('servers that the cluster announces, over TLS', () => {
  it('are accepted with a certificate for their own address', async () => {
    await using cluster = await startNatsCluster({ certificate: (host) => `IP:${host}` });
    const [first] = cluster.nodes;
    if (!first) throw new Error('no node');
    const { bus, events } = await connect({ NATS_URL: first.url, NATS_TLS_CA_FILE: cluster.caFile });
    await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
    await first.kill();
    expect(await reconnectedAfterMs(bus)).toBeLessThan(3_000);
    expect(events('nats.certificate_refused')).toEqual([]);
  });

  it('are accepted with a certificate for the name in NATS_URL', async () => {
    await using cluster = await startNatsCluster({ certificate: () => 'DNS:localhost' });
    const [first] = cluster.nodes;
    if (!first) throw new Error('no node');
    const { bus } = await connect({
      NATS_URL: first.url.replace(first.host, 'localhost'),
      NATS_TLS_CA_FILE: cluster.caFile,
    });
    await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
    await first.kill();
    expect(await reconnectedAfterMs(bus)).toBeLessThan(3_000);
  });

  it('are refused with a certificate for another name, and the log says so once', async () => {
    await using cluster = await startNatsCluster({
      certificate: (host) => (host === '127.0.0.1' ? `IP:${host}` : 'DNS:other.example'),
    });
    const [first] = cluster.nodes;
    if (!first) throw new Error('no node');
    const { bus, events } = await connect({ NATS_URL: first.url, NATS_TLS_CA_FILE: cluster.caFile });
    await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
    await first.kill();
    await until('both are refused', () => events('nats.certificate_refused').length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(bus.connected).toBe(false);
    expect(events('nats.certificate_refused')).toHaveLength(1);
    expect(JSON.stringify(events('nats.certificate_refused'))).toContain('other.example');
    await first.start();
    await until('it is connected again', () => bus.connected);
  });
});

describe('servers that refuse the connection after it was lost', () => {
  it('the log says that their certificates are of an unknown authority, once', async () => {
    await using cluster = await startNatsCluster({ certificate: (host) => `IP:${host}` });
    const [first] = cluster.nodes;
    if (!first) throw new Error('no node');
    // Each node has an authority of its own.
    const caFile = join(dirname(cluster.caFile), `${first.host}-cert.pem`);
    const { bus, events } = await connect({ NATS_URL: first.url, NATS_TLS_CA_FILE: caFile });
    await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
    await first.kill();
    await until('it says so', () =>
      /self.signed certificate/.test(JSON.stringify(events('nats.reconnect_failed'))),
    );
    await first.start();
    await until('it is connected again', () => bus.connected);
    const reasons = events('nats.reconnect_failed').map(({ error }) => error);
    expect(reasons).toEqual([...new Set(reasons)]);
  });
});

describe('a server with handshake_first', () => {
  /** TLS in front of nats-server, whose INFO then says so: nats-server 2.9 has no handshake_first. */
  async function startHandshakeFirst() {
    const dir = await mkdtemp(join(tmpdir(), 'dialhook-handshake-'));
    const caFile = join(dir, 'ca.pem');
    const { key, cert } = selfSigned('IP:127.0.0.1');
    await writeFile(caFile, cert);
    const nats = await startNats();
    const sockets = new Set<Socket>();
    const server = createTlsServer({ key, cert, handshakeTimeout: 1_000 }, (client) => {
      const upstream = connectTo(nats.port, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => to.destroy());
      }
      client.pipe(upstream);
      upstream.once('data', (info: Buffer) => {
        client.write(info.toString().replace('INFO {', 'INFO {"tls_required":true,'));
        upstream.pipe(client);
      });
    });
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await nats.stop();
      await rm(dir, { recursive: true });
    });
    return {
      NATS_URL: `tls://127.0.0.1:${(server.address() as AddressInfo).port}`,
      NATS_TLS_CA_FILE: caFile,
    };
  }

  it('is used with NATS_TLS_HANDSHAKE_FIRST=on', async () => {
    const env = await startHandshakeFirst();
    const { bus } = await connect({ ...env, NATS_TLS_HANDSHAKE_FIRST: 'on' });
    await bus.nats.flush();
    expect(bus.connected).toBe(true);
  });

  it('without that setting the log names it', async () => {
    const env = await startHandshakeFirst();
    const { log, lines } = recordLog();
    void connect(env, { log, lines }).catch(() => {});
    await until('it says so', () => JSON.stringify(lines).includes('NATS_TLS_HANDSHAKE_FIRST=on'));
  });
});
