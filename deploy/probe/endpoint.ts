import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What the probe reads of a request or a notification. */
interface Message {
  readonly action: string;
  readonly uuid: string;
}

export interface ProbeEndpoint {
  readonly port: number;
  /** What the endpoint was told of a call, in order, repeats left out. */
  told(uuid: string): string[];
  stop(): void;
}

/** Sends every call to the gateway `gw` and keeps what it is told. */
export async function startEndpoint(port: number): Promise<ProbeEndpoint> {
  const told = new Map<string, Set<string>>();
  const server = createServer(async (request, response) => {
    const message = (await json(request)) as Message;
    const decision = { dial: { type: 'gateway', gateway: 'gw', number: '100' } };
    if (message.action !== 'request') {
      const actions = told.get(message.uuid) ?? new Set();
      told.set(message.uuid, actions.add(message.action));
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(message.action === 'request' ? decision : {}));
  });
  server.listen(port);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    told: (uuid) => [...(told.get(uuid) ?? [])],
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
