import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { freePort } from '#test/support/ports.ts';
import { fateOf } from './fates.ts';
import type { Certificate } from './tls.ts';

/** How the endpoint feels, apart from being there or not. */
export interface Mood {
  /** Every answer comes this much later. */
  readonly slowMs?: number;
  /** 503 to everything, with this Retry-After. */
  readonly retryAfterS?: number;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

/** The endpoint of all calls. It remembers which calls it knows of and what it has accepted, in order of arrival. */
export class Endpoint {
  readonly port: number;
  /** Webhook ids by call. */
  readonly arrivals = new Map<string, string[]>();
  /** Calls that it was asked about or told of. */
  readonly known = new Set<string>();
  mood: Mood = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #over = new AbortController();
  #heard = 0;

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

  /** How many notifications it has accepted. */
  get heard(): number {
    return this.#heard;
  }

  /** Connections are refused and those there are, reset. */
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
    this.#over.abort();
    if (this.#server.listening) await this.down();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { slowMs, retryAfterS } = this.mood;
      const body = await json(request);
      if (slowMs !== undefined) await this.#wait(slowMs);
      if (retryAfterS !== undefined) {
        response.writeHead(503, { 'retry-after': String(retryAfterS) }).end();
        return;
      }
      const question = EndpointRequest.safeParse(body);
      const { status = 200, body: answer } = question.success
        ? await this.#decide(question.data)
        : this.#take(Notification.parse(body), String(request.headers['webhook-id']));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    }
  }

  async #decide(question: EndpointRequest): Promise<Reply> {
    this.known.add(question.uuid);
    const answer = fateOf(question.destination_number)?.answer(question);
    if (answer?.afterMs !== undefined) await this.#wait(answer.afterMs);
    return answer ?? { status: 404, body: {} };
  }

  #take({ uuid }: Notification, webhookId: string): Reply {
    this.#heard++;
    this.known.add(uuid);
    const ids = this.arrivals.get(uuid);
    if (ids) ids.push(webhookId);
    else this.arrivals.set(uuid, [webhookId]);
    return { body: {} };
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#over.signal });
  }
}
