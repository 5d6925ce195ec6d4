import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy whose connections can stop without either side noticing, as with a lost route. */
export interface FreezingProxy {
  readonly port: number;
  /** From now on nothing passes over the connections that there are. New ones work. */
  freeze(): void;
  [Symbol.dispose](): void;
}

export async function startFreezingProxy(socketPath: string): Promise<FreezingProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const pair = [client, connect({ path: socketPath })] as const;
    const [, upstream] = pair;
    pairs.add(pair);
    for (const socket of pair) socket.on('error', () => {});
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      for (const [client, upstream] of pairs) {
        client.unpipe();
        upstream.unpipe();
        client.pause();
        upstream.destroy();
      }
    },
    [Symbol.dispose]: () => {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
}
