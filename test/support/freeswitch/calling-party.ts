import { randomUUID } from 'node:crypto';
import { Dialog } from './dialog.ts';
import { DialogPhone } from './phone.ts';
import { sdp } from './sdp.ts';
import { type Header, header, method, response, type SipMessage, statusOf, uri } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

export interface Caller {
  readonly id: string;
  readonly callId: string;
  readonly number: string;
  readonly name: string;
  readonly destination: string;
  readonly cancelAt?: number | undefined;
  /** BYE so long after the answer; without it the caller does not end the call by itself. */
  readonly byeAt?: number | undefined;
  readonly refer?: { readonly at: number; readonly to: string } | undefined;
  /** Further headers of the INVITE. */
  readonly headers: readonly Header[];
}

/** What the caller saw of its INVITE. */
export interface Seen {
  readonly status: number;
  readonly reason: string | undefined;
  /** Every status in order, e.g. 100 180 200. */
  readonly statuses: readonly number[];
}

const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY';

/** Escapes what may not stand in the user part of a SIP URI; + ; and = may. */
const escapeUser = (text: string): string =>
  encodeURIComponent(text).replace(/%(2B|3B|3D)/g, (sign) => decodeURIComponent(sign));
/** FreeSWITCH decodes percent-encoded display names. */
const quoted = (text: string): string =>
  `"${text.replace(/["\\]/g, '\\$&').replace(/%(?=[0-9A-Fa-f]{2})/g, '%25')}"`;

/** The caller's side of one call, from its INVITE to its end. */
export class CallingParty extends DialogPhone {
  protected readonly socket: SipSocket;
  readonly #caller: Caller;
  readonly #port: number;
  readonly #invite: SipMessage;
  readonly #answered = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Seen>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #statuses: number[] = [];
  #reason: string | undefined;
  /** Early from the first provisional response on, until the call is answered. */
  #dialog: Dialog | undefined;
  #established = false;
  #remoteSdp = '';

  constructor(caller: Caller, socket: SipSocket, port: number) {
    super();
    this.#caller = caller;
    this.socket = socket;
    this.#port = port;
    this.#invite = this.#request('INVITE', `<${this.#target}>`, sdp(socket.port), [
      ['Via', `SIP/2.0/UDP ${socket.address};branch=z9hG4bK${randomUUID()}`],
      ['Content-Type', 'application/sdp'],
      ...(caller.headers.some(([name]) => name === 'Allow') ? [] : [['Allow', ALLOW] as const]),
      ...caller.headers,
    ]);
    socket.send(this.#invite, port);
    if (caller.cancelAt !== undefined) this.#timers.push(setTimeout(() => this.cancel(), caller.cancelAt));
  }

  get callId(): string {
    return this.#caller.callId;
  }

  /** Resolves when the call has been answered, or is over. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Resolves with what it saw when its side of the call is over. */
  get ended(): Promise<Seen> {
    return this.#ended.promise;
  }

  /** Every status that came for the INVITE, in order. */
  get statuses(): readonly number[] {
    return this.#statuses;
  }

  receive(message: SipMessage): void {
    const name = method(message);
    if (name === undefined) this.#onResponse(message, statusOf(message), header(message, 'CSeq'));
    else if (name !== 'ACK') this.#onRequest(message, name);
  }

  cancel(): void {
    if (this.#statuses.every((status) => status < 200)) this.#sendInTransaction('CANCEL', this.#to);
  }

  /** Does no more, as when the other side is there no longer. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#answered.resolve();
    this.#ended.resolve({
      status: this.#statuses.at(-1) ?? 0,
      reason: this.#reason,
      statuses: this.#statuses,
    });
  }

  protected get remoteSdp(): string {
    return this.#remoteSdp;
  }

  protected get dialog(): Dialog {
    if (this.#dialog === undefined)
      throw new Error(`the call to ${this.#caller.destination} has no dialog yet`);
    return this.#dialog;
  }

  #onRequest(message: SipMessage, name: string): void {
    const body = name === 'INVITE' ? sdp(this.socket.port) : '';
    this.socket.send(response(message, { status: 200, tag: '', contact: this.#contact, body }), this.#port);
    if (name === 'BYE') this.end();
  }

  #onResponse(message: SipMessage, status: number, cseq: string): void {
    if (cseq !== header(this.#invite, 'CSeq')) {
      if (this.#dialog !== undefined && this.onDialogResponse(message)) this.end();
      return;
    }
    if (message.body !== '') this.#remoteSdp = message.body;
    const again = status >= 200 && this.#statuses.at(-1) === status;
    if (!again) this.#statuses.push(status);
    if (status >= 300) this.#onRefusal(message);
    else if (status >= 200) this.#onAnswer(message, again);
    else if (status > 100) this.#dialog = this.#dialogWith(message);
  }

  #onRefusal(message: SipMessage): void {
    const reasons = message.headers.filter(([name]) => name === 'Reason').map(([, value]) => value);
    this.#reason = /text="([^"]*)"/.exec(reasons.join())?.[1];
    this.#sendInTransaction('ACK', header(message, 'To'));
    this.end();
  }

  #onAnswer(message: SipMessage, again: boolean): void {
    if (!this.#established) this.#dialog = this.#dialogWith(message);
    this.#established = true;
    this.dialog.acknowledge(header(message, 'CSeq'));
    if (again) return;
    this.#answered.resolve();
    const { byeAt, refer } = this.#caller;
    if (refer !== undefined) this.#timers.push(setTimeout(() => this.refer(refer.to), refer.at));
    if (byeAt !== undefined) this.#timers.push(setTimeout(() => this.bye(), byeAt));
  }

  #dialogWith(response: SipMessage): Dialog {
    return new Dialog(
      {
        callId: this.callId,
        local: this.#from,
        remote: header(response, 'To'),
        target: uri(header(response, 'Contact')),
        contact: this.#contact,
      },
      this.socket,
      this.#port,
    );
  }

  /** CANCEL, and the ACK of a refusal, belong to the INVITE's transaction. */
  #sendInTransaction(name: string, to: string): void {
    this.socket.send(this.#request(name, to, '', [['Via', header(this.#invite, 'Via')]]), this.#port);
  }

  get #target(): string {
    return `sip:${escapeUser(this.#caller.destination)}@127.0.0.1:${this.#port}`;
  }

  get #to(): string {
    return `<${this.#target}>`;
  }

  get #from(): string {
    const { name, number } = this.#caller;
    return `${quoted(name)} <sip:${escapeUser(number)}@127.0.0.1>;tag=${this.#caller.id}`;
  }

  get #contact(): string {
    return `sip:${escapeUser(this.#caller.number)}@${this.socket.address}`;
  }

  #request(name: string, to: string, body: string, headers: readonly Header[]): SipMessage {
    return {
      start: `${name} ${this.#target} SIP/2.0`,
      headers: [
        ...headers,
        ['Max-Forwards', '70'],
        ['From', this.#from],
        ['To', to],
        ['Call-ID', this.callId],
        ['CSeq', `1 ${name}`],
        ['Contact', `<${this.#contact}>`],
      ],
      body,
    };
  }
}
