import { randomUUID } from 'node:crypto';
import type { Header, SipMessage } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** The addresses of a dialog, as one side has them. */
export interface DialogEnds {
  readonly callId: string;
  /** From of the requests that this side sends, with its tag. */
  readonly local: string;
  /** To of the requests that this side sends, with the other side's tag. */
  readonly remote: string;
  /** The other side's Contact: the request URI. */
  readonly target: string;
  readonly contact: string;
}

const FIRST_CSEQ = 100;
const tagOf = (value: string): string => /;tag=([^;]+)/.exec(value)?.[1] ?? '';

/** One side of a SIP dialog; sends requests within it. */
export class Dialog {
  #ends: DialogEnds;
  readonly #socket: SipSocket;
  readonly #port: number;
  #cseq = FIRST_CSEQ;

  constructor(ends: DialogEnds, socket: SipSocket, port: number) {
    this.#ends = ends;
    this.#socket = socket;
    this.#port = port;
  }

  /** The value of a Replaces header that takes this dialog over. */
  get replaces(): string {
    const { callId, remote, local } = this.#ends;
    return `${callId};to-tag=${tagOf(remote)};from-tag=${tagOf(local)}`;
  }

  /** Makes this side the phone with another tag. */
  setLocalTag(tag: string): void {
    const local = this.#ends.local.replace(/;tag=[^;]+/, `;tag=${tag}`);
    this.#ends = { ...this.#ends, local };
  }

  send(name: string, headers: readonly Header[] = [], body = ''): void {
    this.#cseq += 1;
    this.#request(name, this.#cseq, headers, body);
  }

  /** Acknowledges the 200 of a re-INVITE. */
  acknowledge(cseq: string): void {
    this.#request('ACK', Number.parseInt(cseq, 10), [], '');
  }

  #request(name: string, cseq: number, headers: readonly Header[], body: string): void {
    const { callId, local, remote, target, contact } = this.#ends;
    const message: SipMessage = {
      start: `${name} ${target} SIP/2.0`,
      headers: [
        ['Via', `SIP/2.0/UDP ${this.#socket.address};branch=z9hG4bK${randomUUID()}`],
        ['Max-Forwards', '70'],
        ['From', local],
        ['To', remote],
        ['Call-ID', callId],
        ['CSeq', `${cseq} ${name}`],
        ['Contact', `<${contact}>`],
        ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as const]),
        ...headers,
      ],
      body,
    };
    this.#socket.send(message, this.#port);
  }
}
