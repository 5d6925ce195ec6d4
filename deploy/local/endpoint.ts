import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { Answer } from './fates.ts';

export interface ExampleEndpoint {
  readonly url: string;
  stop(): void;
}

export interface EndpointHandlers {
  readonly decide: (request: EndpointRequest) => Answer;
  readonly told: (notification: Notification, webhookId: string) => void;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** The example endpoint: answers where each call goes and is told what became of it. */
export async function startEndpoint({ decide, told }: EndpointHandlers): Promise<ExampleEndpoint> {
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer(async (request, response) => {
    const answer = ({ status = 200, body }: Answer) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      const json = await readJson(request);
      const question = EndpointRequest.safeParse(json);
      if (!question.success) {
        told(Notification.parse(json), String(request.headers['webhook-id'] ?? ''));
        answer({ body: {} });
        return;
      }
      const decision = decide(question.data);
      if (decision.afterMs === undefined) return answer(decision);
      const timer = setTimeout(() => {
        timers.delete(timer);
        answer(decision);
      }, decision.afterMs);
      timers.add(timer);
    } catch (error) {
      answer({ status: 400, body: { error: (error as Error).message } });
    }
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
