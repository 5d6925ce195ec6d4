import { randomUUID } from 'node:crypto';
import type { Callee } from '#test/support/cases/switch.ts';
import { sdp } from './sdp.ts';
import { header, method, response, type SipMessage, statusOf, uri } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** One called leg, from its INVITE to its end: does what the script of the number says. */
export class CalledParty {
  readonly #invite: SipMessage;
  readonly #socket: SipSocket;
  readonly #port: number;
  readonly #tag = randomUUID();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #last: SipMessage;
  #final = false;

  constructor(invite: SipMessage, socket: SipSocket, port: number, script: Callee | undefined) {
    this.#invite = invite;
    this.#socket = socket;
    this.#port = port;
    this.#last = this.#answer(invite, 100);
    if (script === undefined) this.#refuse(404);
    else this.#follow(script);
  }

  get callId(): string {
    return header(this.#invite, 'Call-ID');
  }

  /** Resolves when the leg is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether this is a new INVITE with the same Call-ID, as FreeSWITCH sends after a redirect. */
  isReplacedBy(message: SipMessage): boolean {
    if (method(message) !== 'INVITE' || /;tag=/.test(header(message, 'To'))) return false;
    return header(message, 'CSeq') !== header(this.#invite, 'CSeq');
  }

  receive(message: SipMessage): void {
    const name = method(message);
    if (name === undefined) {
      if (statusOf(message) >= 200) this.end();
    } else if (name === 'INVITE' && /;tag=/.test(header(message, 'To')))
      this.#answer(message, 200, sdp(this.#socket.port));
    else if (name === 'INVITE') this.#socket.send(this.#last, this.#port);
    else if (name !== 'ACK') this.#answer(message, 200);
    if (name === 'BYE') this.end();
    if (name === 'CANCEL' && !this.#final) this.#refuse(487);
  }

  /** Does no more, as when the other side is there no longer. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ended.resolve();
  }

  #follow({ ringAt, ringMediaAt, progressAt, mediaAt, answerAt, refuse, redirect, hangsUpAt }: Callee): void {
    const media = sdp(this.#socket.port);
    this.#at(ringAt, () => this.#respond(180));
    this.#at(ringMediaAt, () => this.#respond(180, media));
    this.#at(progressAt, () => this.#respond(183));
    this.#at(mediaAt, () => this.#respond(183, media));
    this.#at(answerAt, () => {
      this.#final = true;
      this.#respond(200, media);
    });
    this.#at(refuse?.at, () => this.#refuse(refuse?.status ?? 486, refuse?.reason));
    this.#at(redirect?.at, () => this.#redirect(redirect?.contact ?? ''));
    this.#at(hangsUpAt, () => this.#bye());
  }

  #at(ms: number | undefined, act: () => void): void {
    if (ms !== undefined) this.#timers.push(setTimeout(act, ms));
  }

  #respond(status: number, body?: string): void {
    this.#last = this.#answer(this.#invite, status, body);
  }

  #refuse(status: number, reason?: string): void {
    this.#final = true;
    const more = reason === undefined ? [] : [['Reason', reason] as const];
    this.#last = this.#answer(this.#invite, status, '', more);
    this.end();
  }

  #redirect(contact: string): void {
    this.#final = true;
    this.#last = response(this.#invite, 302, this.#tag, contact);
    this.#socket.send(this.#last, this.#port);
    this.end();
  }

  #answer(
    to: SipMessage,
    status: number,
    body?: string,
    more?: readonly (readonly [name: string, value: string])[],
  ): SipMessage {
    const message = response(to, status, this.#tag, `sip:called@${this.#socket.address}`, body, more);
    this.#socket.send(message, this.#port);
    return message;
  }

  #bye(): void {
    const from = `${header(this.#invite, 'To')};tag=${this.#tag}`;
    this.#socket.send(
      {
        start: `BYE ${uri(header(this.#invite, 'Contact'))} SIP/2.0`,
        headers: [
          ['Via', `SIP/2.0/UDP ${this.#socket.address};branch=z9hG4bK${randomUUID()}`],
          ['Max-Forwards', '70'],
          ['From', from],
          ['To', header(this.#invite, 'From')],
          ['Call-ID', header(this.#invite, 'Call-ID')],
          ['CSeq', '1 BYE'],
        ],
        body: '',
      },
      this.#port,
    );
  }
}
