import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy between one notifier and NATS whose connections can be cut. */
export interface NatsProxy extends Disposable {
  readonly url: string;
  /** Closes the connections and refuses new ones. */
  cut(): void;
  restore(): void;
}

export async function startNatsProxy(port: number): Promise<NatsProxy> {
  const sockets = new Set<Socket>();
  let refuses = false;
  const server = createServer((client) => {
    if (refuses) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      refuses = true;
      end();
    },
    restore: () => {
      refuses = false;
    },
    [Symbol.dispose]: () => {
      end();
      server.close();
    },
  };
}
