import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { owned } from '#test/support/owned.ts';

/** One event as the reference of PrivateNumber describes it. */
export interface PrivateNumberEvent {
  readonly eventType: string;
  readonly statusInfo: Readonly<Record<string, unknown>>;
  readonly feeLst?: readonly Readonly<Record<string, unknown>>[];
}

/** A server of a customer of Huawei Cloud PrivateNumber, written for its X mode; it knows nothing of Dialhook. */
export class PrivateNumberServer {
  readonly events: PrivateNumberEvent[] = [];
  /** Answers `callin`. */
  operation: (caller: string, called: string) => object = () => ({ operation: 'close' });
  /** The status of every other event. */
  status = 200;
  readonly #secret: string;
  readonly #server = createServer(
    owned((request: IncomingMessage, response: ServerResponse) => this.#serve(request, response)),
  );

  private constructor(secret: string) {
    this.#secret = secret;
  }

  static async start(secret: string): Promise<PrivateNumberServer> {
    const one = new PrivateNumberServer(secret);
    one.#server.listen(0, '127.0.0.1');
    await once(one.#server, 'listening');
    return one;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** The events of a call, in order. */
  of(sessionId: string): PrivateNumberEvent[] {
    return this.events.filter(
      ({ statusInfo, feeLst }) => (statusInfo ?? feeLst?.[0])?.['sessionId'] === sessionId,
    );
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.method !== 'POST' || !this.#isSigned(request)) {
      response.writeHead(401).end();
      return;
    }
    const event = JSON.parse(body) as PrivateNumberEvent;
    if (event.eventType === 'callin') {
      this.events.push(event);
      const { caller, called } = event.statusInfo;
      response.end(JSON.stringify(this.operation(String(caller), String(called))));
      return;
    }
    if (this.status === 200) this.events.push(event);
    response.writeHead(this.status).end();
  }

  #isSigned({ headers }: IncomingMessage): boolean {
    const [, digest, nonce = '', created = ''] =
      /^UsernameToken Username="key", PasswordDigest="(.*)", Nonce="([0-9a-zA-Z]{1,128})", Created="(.*Z)"$/.exec(
        String(headers['x-aksk']),
      ) ?? [];
    return (
      digest ===
      createHmac('sha256', this.#secret)
        .update(nonce + created)
        .digest('base64')
    );
  }
}
