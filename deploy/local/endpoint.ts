import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { Answer } from './scenarios.ts';

export interface ExampleEndpoint {
  readonly url: string;
  stop(): void;
}

export interface EndpointHandlers {
  readonly decide: (request: EndpointRequest) => Answer;
  readonly notified: (notification: Notification, webhookId: string) => void;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** Starts the example endpoint: it answers requests with `decide` and passes notifications to `notified`. */
export async function startEndpoint({ decide, notified }: EndpointHandlers): Promise<ExampleEndpoint> {
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((message, response) => {
    const answer = ({ status = 200, body }: Answer) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const handle = async () => {
      const json = await readJson(message);
      const request = EndpointRequest.safeParse(json);
      if (!request.success) {
        notified(Notification.parse(json), String(message.headers['webhook-id'] ?? ''));
        return answer({ body: {} });
      }
      const decision = decide(request.data);
      if (decision.afterMs === undefined) return answer(decision);
      const timer = setTimeout(() => {
        timers.delete(timer);
        answer(decision);
      }, decision.afterMs);
      timers.add(timer);
    };
    handle().catch((error: Error) => answer({ status: 400, body: { error: error.message } }));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`,
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}
