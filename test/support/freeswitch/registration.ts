import { randomUUID } from 'node:crypto';
import { type SipMessage, statusOf } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

const PATIENCE_MS = 5000;

/** The registration of a user's device; FreeSWITCH asks for no password. */
export class Registration {
  readonly callId = randomUUID();
  readonly #name: string;
  readonly #done = Promise.withResolvers<void>();
  readonly #late: NodeJS.Timeout;

  constructor(name: string, domain: string, device: SipSocket, port: number, parameters: string) {
    this.#name = name;
    this.#late = setTimeout(() => this.#finish('no answer'), PATIENCE_MS);
    const address = `<sip:${name}@${domain}>`;
    device.send(
      {
        start: `REGISTER sip:${domain} SIP/2.0`,
        headers: [
          ['Via', `SIP/2.0/UDP ${device.address};branch=z9hG4bK${this.callId}`],
          ['Max-Forwards', '70'],
          ['From', `${address};tag=${this.callId}`],
          ['To', address],
          ['Call-ID', this.callId],
          ['CSeq', '1 REGISTER'],
          ['Contact', `<sip:${name}@${device.address}${parameters}>`],
          ['Expires', '3600'],
        ],
        body: '',
      },
      port,
    );
  }

  /** Resolves when FreeSWITCH knows the device. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  receive(message: SipMessage): void {
    const status = statusOf(message);
    if (status >= 200) this.#finish(status === 200 ? undefined : String(status));
  }

  end(): void {
    clearTimeout(this.#late);
  }

  #finish(refused: string | undefined): void {
    clearTimeout(this.#late);
    if (refused === undefined) this.#done.resolve();
    else this.#done.reject(new Error(`${this.#name} could not register: ${refused}`));
  }
}
