import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** The fields of a request or a notification that the probe reads. */
interface Message {
  readonly action: string;
  readonly uuid: string;
}

export interface ProbeEndpoint {
  readonly port: number;
  /** Actions of a call's notifications, in order of arrival, without repeats. */
  received(uuid: string): string[];
  stop(): void;
}

/** Answers every request with the gateway `gw` and records notifications. */
export async function startEndpoint(port: number): Promise<ProbeEndpoint> {
  const received = new Map<string, Set<string>>();
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const message = (await json(request)) as Message;
    const decision = { dial: { type: 'gateway', gateway: 'gw', number: '100' } };
    if (message.action !== 'request') {
      const actions = received.get(message.uuid) ?? new Set();
      received.set(message.uuid, actions.add(message.action));
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(message.action === 'request' ? decision : {}));
  };
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  server.listen(port);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received: (uuid) => [...(received.get(uuid) ?? [])],
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
