import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on a free port of 127.0.0.1, like a name of which an operator can change the address. */
export interface TcpName extends Disposable {
  readonly port: number;
  /** New connections go to this port. Open ones stay where they are. */
  moveTo(port: number): void;
  /** Closes the connections and refuses new ones, until `restore`. */
  cut(): void;
  restore(): void;
}

export async function startTcpName(port: number): Promise<TcpName> {
  const sockets = new Set<Socket>();
  let target = port;
  let refuses = false;
  const server = createServer((client) => {
    if (refuses) {
      client.destroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
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
    port: (server.address() as AddressInfo).port,
    moveTo: (other) => {
      target = other;
    },
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
