import { randomUUID } from 'node:crypto';
import { sdp } from './sdp.ts';
import { header, method, response, type SipMessage, statusOf, uri } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

export interface Caller {
  readonly callId: string;
  readonly number: string;
  readonly name: string;
  readonly destination: string;
  readonly cancelAt?: number | undefined;
  readonly byeAt: number;
  /** Further headers of the INVITE. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What the caller saw of its INVITE. */
export interface Seen {
  readonly status: number;
  readonly reason: string | undefined;
  /** Every status in order, e.g. 100 180 200. */
  readonly statuses: readonly number[];
}

const escapeUser = (text: string): string => encodeURIComponent(text).replaceAll('%2B', '+');
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** The caller's side of one call, from its INVITE to its end. */
export class CallingParty {
  readonly #caller: Caller;
  readonly #socket: SipSocket;
  readonly #port: number;
  readonly #invite: SipMessage;
  readonly #ended = Promise.withResolvers<Seen>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #statuses: number[] = [];
  #reason: string | undefined;
  #to: string;
  #target: string;

  constructor(caller: Caller, socket: SipSocket, port: number) {
    this.#caller = caller;
    this.#socket = socket;
    this.#port = port;
    this.#target = `sip:${escapeUser(caller.destination)}@127.0.0.1:${port}`;
    this.#to = `<${this.#target}>`;
    this.#invite = this.#request('INVITE', 1, sdp(socket.port), [
      ['Content-Type', 'application/sdp'],
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS'],
      ...caller.headers,
    ]);
    socket.send(this.#invite, port);
    if (caller.cancelAt !== undefined) this.#timers.push(setTimeout(() => this.#cancel(), caller.cancelAt));
  }

  get callId(): string {
    return this.#caller.callId;
  }

  /** Resolves with what it saw when its side of the call is over. */
  get ended(): Promise<Seen> {
    return this.#ended.promise;
  }

  receive(message: SipMessage): void {
    const name = method(message);
    if (name === undefined) this.#onResponse(message, statusOf(message), header(message, 'CSeq'));
    else if (name !== 'ACK') this.#onRequest(message, name);
  }

  /** Does no more, as when the other side is there no longer. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ended.resolve({
      status: this.#statuses.at(-1) ?? 0,
      reason: this.#reason,
      statuses: this.#statuses,
    });
  }

  #onRequest(message: SipMessage, name: string): void {
    const body = name === 'INVITE' ? sdp(this.#socket.port) : '';
    this.#socket.send(response(message, 200, '', this.#contact(), body), this.#port);
    if (name === 'BYE') this.end();
  }

  #onResponse(message: SipMessage, status: number, cseq: string): void {
    if (cseq.endsWith('BYE') && status >= 200) this.end();
    if (!cseq.endsWith('INVITE')) return;
    const again = status >= 200 && this.#statuses.at(-1) === status;
    if (!again) this.#statuses.push(status);
    if (status >= 200) this.#onFinal(message, status, again);
  }

  #onFinal(message: SipMessage, status: number, again: boolean): void {
    this.#to = header(message, 'To');
    if (status >= 300) {
      const reasons = message.headers.filter(([name]) => name === 'Reason').map(([, value]) => value);
      this.#reason = /text="([^"]*)"/.exec(reasons.join())?.[1];
      this.#send('ACK', 1, [['Via', header(this.#invite, 'Via')]]);
      this.end();
    } else {
      this.#target = uri(header(message, 'Contact'));
      this.#send('ACK', 1);
      if (!again) this.#timers.push(setTimeout(() => this.#send('BYE', 2), this.#caller.byeAt));
    }
  }

  #cancel(): void {
    if (this.#statuses.every((status) => status < 200))
      this.#send('CANCEL', 1, [['Via', header(this.#invite, 'Via')]]);
  }

  #send(name: string, cseq: number, headers: Caller['headers'] = []): void {
    this.#socket.send(this.#request(name, cseq, '', headers), this.#port);
  }

  #contact(): string {
    return `sip:${escapeUser(this.#caller.number)}@${this.#socket.address}`;
  }

  #request(name: string, cseq: number, body: string, headers: Caller['headers']): SipMessage {
    const via = ['Via', `SIP/2.0/UDP ${this.#socket.address};branch=z9hG4bK${randomUUID()}`] as const;
    const from = `${quoted(this.#caller.name)} <sip:${escapeUser(this.#caller.number)}@127.0.0.1>`;
    return {
      start: `${name} ${this.#target} SIP/2.0`,
      headers: [
        ...(headers.some(([given]) => given === 'Via') ? [] : [via]),
        ...headers,
        ['Max-Forwards', '70'],
        ['From', `${from};tag=${this.callId}`],
        ['To', this.#to],
        ['Call-ID', this.callId],
        ['CSeq', `${cseq} ${name}`],
        ['Contact', `<${this.#contact()}>`],
      ],
      body,
    };
  }
}
