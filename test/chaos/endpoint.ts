import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { freePort } from '#test/support/ports.ts';
import { scenarioOf } from './scenarios.ts';
import type { Certificate } from './tls.ts';

/** How the endpoint misbehaves while it is up. */
export interface EndpointFault {
  /** Delay of every answer, in ms. */
  readonly slowMs?: number;
  /** Answer 503 to everything, with this Retry-After in seconds. */
  readonly retryAfterS?: number;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

/** The endpoint of all calls. It records the notifications that it accepts, in order of arrival. */
export class Endpoint {
  readonly port: number;
  /** Accepted `webhook-id`s by call. */
  readonly arrivals = new Map<string, string[]>();
  /** The longest time from an event to the first arrival of its notification, in ms, by call. */
  readonly delays = new Map<string, number>();
  /** Calls that it has received a request or notification for. */
  readonly known = new Set<string>();
  fault: EndpointFault = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stopped = new AbortController();
  #accepted = 0;

  private constructor(port: number, certificate: Certificate | undefined) {
    this.port = port;
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    this.#server = certificate
      ? createTlsServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.cert) }, handle)
      : createServer(handle);
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => {});
  }

  static async start(certificate?: Certificate): Promise<Endpoint> {
    const endpoint = new Endpoint(await freePort(), certificate);
    await endpoint.up();
    return endpoint;
  }

  /** Number of accepted notifications. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Refuses new connections and resets open ones. */
  async down(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await once(this.#server, 'close');
  }

  async up(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#server.listening) await this.down();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { slowMs, retryAfterS } = this.fault;
      const body = await json(request);
      if (slowMs !== undefined) await this.#wait(slowMs);
      if (retryAfterS !== undefined) {
        response.writeHead(503, { 'retry-after': String(retryAfterS) }).end();
        return;
      }
      const parsed = EndpointRequest.safeParse(body);
      const { status = 200, body: answer } = parsed.success
        ? await this.#decide(parsed.data)
        : this.#take(Notification.parse(body), String(request.headers['webhook-id']));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  }

  async #decide(request: EndpointRequest): Promise<Reply> {
    this.known.add(request.uuid);
    const answer = scenarioOf(request.destination_number)?.answer(request);
    if (answer?.afterMs !== undefined) await this.#wait(answer.afterMs);
    return answer ?? { status: 404, body: {} };
  }

  #take({ uuid, time }: Notification, webhookId: string): Reply {
    this.#accepted++;
    this.known.add(uuid);
    const ids = this.arrivals.get(uuid);
    if (!ids?.includes(webhookId))
      this.delays.set(uuid, Math.max(this.delays.get(uuid) ?? 0, Date.now() - Date.parse(time)));
    if (ids) ids.push(webhookId);
    else this.arrivals.set(uuid, [webhookId]);
    return { body: {} };
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopped.signal });
  }
}
