import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Notification } from '#libs/contract/endpoint.ts';
import { owned } from '#test/support/owned.ts';

/** One request that an endpoint got. */
export interface Arrival {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Of a POST. */
  readonly notification: Notification | undefined;
  /** How many times this id came, this time included. */
  readonly time: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an endpoint does with a request; it hangs for as long as the promise is not settled. */
export type Behave = (arrival: Arrival) => Answer | Promise<Answer>;

export const OK: Answer = { status: 204 };

export interface Receiver {
  readonly url: string;
  /** Every request, in the order in which they came. */
  readonly arrivals: readonly Arrival[];
  /** The ids answered with 2xx, in the order of the answers. */
  readonly accepted: readonly string[];
  behave: Behave;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real HTTP endpoint on a free port. */
export async function startReceiver(behave: Behave = () => OK): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  const accepted: string[] = [];
  const times = new Map<string, number>();
  const server = createServer(
    owned(async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const id = String(request.headers['webhook-id']);
      times.set(id, (times.get(id) ?? 0) + 1);
      const { method = '', url: path = '', headers } = request;
      const notification = body === '' ? undefined : Notification.parse(JSON.parse(body));
      const arrival = { id, method, path, headers, notification, time: times.get(id) ?? 0 };
      arrivals.push(arrival);
      const answer = await receiver.behave(arrival);
      if (answer.status >= 200 && answer.status < 300) accepted.push(id);
      response.writeHead(answer.status, answer.headers).end();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notifications`,
    arrivals,
    accepted,
    behave,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

/** An endpoint that keeps its answers back until it is let go. */
export async function startHoldingReceiver() {
  const { promise: go, resolve: letGo } = Promise.withResolvers<void>();
  const endpoint = await startReceiver(async () => {
    await go;
    return OK;
  });
  return { endpoint, letGo };
}
