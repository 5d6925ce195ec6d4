import { randomUUID } from 'node:crypto';
import { responsesOf } from '#libs/simulator/sip/called-party.ts';
import type { Callee, Step } from '#test/support/cases/case-node.ts';
import { Dialog } from './dialog.ts';
import { DialogPhone } from './phone.ts';
import { sdp } from './sdp.ts';
import { header, method, response, type SipMessage, uri, user } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** One called leg, from its INVITE to its end: does what the script of the number says. */
export class CalledParty extends DialogPhone {
  protected readonly dialog: Dialog;
  protected readonly socket: SipSocket;
  readonly #invite: SipMessage;
  readonly #port: number;
  readonly #tag = randomUUID();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #last: SipMessage;
  #final = false;
  #answersCancel = false;
  #answered = false;

  constructor(invite: SipMessage, socket: SipSocket, port: number, script: Callee | undefined) {
    super();
    this.#invite = invite;
    this.socket = socket;
    this.#port = port;
    const ends = {
      callId: this.callId,
      local: `${header(invite, 'To')};tag=${this.#tag}`,
      remote: header(invite, 'From'),
      target: uri(header(invite, 'Contact')),
      contact: this.#contact(),
    };
    this.dialog = new Dialog(ends, socket, port);
    this.#last = this.#send(response(invite, { status: 100, tag: this.#tag, contact: this.#contact() }));
    if (script === undefined) this.#respond({ at: 0, status: 404 });
    else this.#follow(script);
  }

  get callId(): string {
    return header(this.#invite, 'Call-ID');
  }

  /** The number dialled. */
  get number(): string {
    return user(this.#invite.start);
  }

  get hasAnswered(): boolean {
    return this.#answered;
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
      if (this.onDialogResponse(message)) this.end();
      return;
    }
    if (name === 'INVITE' && /;tag=/.test(header(message, 'To')))
      this.#accept(message, sdp(this.socket.port));
    else if (name === 'INVITE') this.#send(this.#last);
    else if (name !== 'ACK') this.#accept(message);
    if (name === 'BYE') this.end();
    if (name === 'CANCEL') this.#respond({ at: 0, status: this.#answersCancel ? 200 : 487 });
  }

  protected get remoteSdp(): string {
    return this.#invite.body;
  }

  /** Does no more, as when the other side is there no longer. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ended.resolve();
  }

  #follow(script: Callee): void {
    this.#answersCancel = script.answersCancel ?? false;
    for (const step of responsesOf(script)) this.#at(step.at, () => this.#respond(step));
    const { refer } = script;
    if (refer !== undefined) this.#at(refer.at, () => this.refer(refer.to));
    if (script.hangsUpAt !== undefined) this.#at(script.hangsUpAt, () => this.bye());
  }

  #at(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #respond(step: Step): void {
    if (this.#final) return;
    const { status } = step;
    const body = step.sdp || (status >= 200 && status < 300) ? sdp(this.socket.port) : '';
    this.#final = status >= 200;
    if (step.tag !== undefined && this.#final) this.dialog.setLocalTag(step.tag);
    this.#last = this.#send(
      response(this.#invite, {
        ...step,
        tag: step.tag ?? this.#tag,
        contact: step.contact ?? this.#contact(),
        body,
      }),
    );
    if (status >= 300) this.end();
    else if (status >= 200) this.#answered = true;
  }

  #accept(request: SipMessage, body = ''): void {
    this.#send(response(request, { status: 200, tag: this.#tag, contact: this.#contact(), body }));
  }

  #send(message: SipMessage): SipMessage {
    this.socket.send(message, this.#port);
    return message;
  }

  #contact(): string {
    return `sip:called@${this.socket.address}`;
  }
}
