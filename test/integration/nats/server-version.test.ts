import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { reportOldServer } from '#libs/bus/server-version.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

describe('a service that stores replicas', () => {
  let nats: NatsServer;
  let proxy: Server;
  let version = '2.9.10';
  const sockets = new Set<Socket>();
  const services: Lifecycle[] = [];

  beforeAll(async () => {
    nats = await startNats();
    // Announces another version than the server's.
    proxy = createServer((client) => {
      const upstream = connect(nats.port, '127.0.0.1');
      for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
      // Newer servers send INFO again after CONNECT.
      upstream.on('data', (data) => {
        const text = data.toString('latin1').replace(/"version":"[^"]*"/, `"version":"${version}"`);
        client.write(text, 'latin1');
      });
      client.pipe(upstream);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  afterAll(async () => {
    for (const lifecycle of services) await lifecycle.stop();
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await nats.stop();
  });

  async function versionsLogged(replicas: number) {
    const { log, lines } = recordLog();
    const lifecycle = new Lifecycle(log, 5_000);
    services.push(lifecycle);
    const { port } = proxy.address() as AddressInfo;
    const bus = await Bus.connect(`nats://127.0.0.1:${port}`, 'test', lifecycle, log);
    reportOldServer(bus, replicas, log);
    const versions = () =>
      lines.filter(({ event }) => event === 'nats.server_old').map((one) => one['version']);
    return { bus, versions };
  }

  it('names a server that loses them, once for each version', async () => {
    const { bus, versions } = await versionsLogged(3);
    const reconnect = async (to: string) => {
      version = to;
      const connected = Promise.withResolvers<void>();
      bus.onChange((up) => up && connected.resolve());
      await bus.nats.reconnect();
      await connected.promise;
    };
    expect(versions()).toEqual(['2.9.10']);
    await reconnect('2.9.10');
    await reconnect('2.9.25');
    await until(() => expect(versions()).toEqual(['2.9.10', '2.9.25']));
    await reconnect('2.11.9');
    expect(versions()).toEqual(['2.9.10', '2.9.25']);
  });

  it('without replicas names none', async () => {
    version = '2.9.10';
    expect((await versionsLogged(1)).versions()).toEqual([]);
  });
});
