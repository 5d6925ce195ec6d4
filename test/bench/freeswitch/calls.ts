import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sdp } from '#test/support/freeswitch/sdp.ts';
import {
  header,
  method,
  response,
  type SipMessage,
  statusOf,
  uri,
} from '#test/support/freeswitch/sip-message.ts';
import { openSipSocket, type SipSocket } from '#test/support/freeswitch/sip-socket.ts';

const TALK_MS = 300;
const LATE_MS = 10_000;

interface Call {
  readonly id: string;
  readonly invitedAt: number;
  /** From the INVITE to FreeSWITCH to the INVITE from it, in ms. */
  ms: number | undefined;
  readonly over: PromiseWithResolvers<void>;
}

export interface CallsResult {
  readonly calls: number;
  readonly ms: readonly number[];
  /** Number of calls without an INVITE to the called party. */
  readonly dialplanContinued: number;
}

/** SIP callers and a called party. Every call is answered at once and hung up by its caller. */
export class SipCalls {
  readonly #calls = new Map<string, Call>();
  readonly #dialogs = new Map<string, Call>();
  #caller: SipSocket | undefined;
  #callee: SipSocket | undefined;

  static async open(): Promise<SipCalls> {
    const sip = new SipCalls();
    sip.#caller = await openSipSocket((message, port) => sip.#atCaller(message, port));
    sip.#callee = await openSipSocket((message, port) => sip.#atCallee(message, port));
    return sip;
  }

  /** Address of the called party. */
  get callee(): string {
    return this.#callee?.address ?? '';
  }

  async close(): Promise<void> {
    await Promise.all([this.#caller?.close(), this.#callee?.close()]);
  }

  /** Places `n` calls at `rate` per second to a number of the dialplan. */
  async run(sipPort: number, number: string, url: string, rate: number, n: number): Promise<CallsResult> {
    const made: Call[] = [];
    const started = performance.now();
    while (made.length < n) {
      const due = Math.min(n, Math.floor(((performance.now() - started) * rate) / 1000) + 1);
      while (made.length < due) made.push(this.#invite(sipPort, number, url));
      await sleep(1);
    }
    const late = sleep(LATE_MS, undefined, { ref: false });
    await Promise.race([Promise.all(made.map(({ over }) => over.promise)), late]);
    for (const { id } of made) {
      this.#calls.delete(id);
      this.#dialogs.delete(id);
    }
    const ms = made.flatMap((call) => call.ms ?? []);
    return { calls: n, ms, dialplanContinued: n - ms.length };
  }

  #invite(port: number, number: string, url: string): Call {
    const id = randomUUID();
    const headers = [
      ['Content-Type', 'application/sdp'],
      ['X-Bench-Id', id],
      ['X-Bench-Url', encodeURIComponent(url)],
    ] as const;
    const to = `sip:${number}@127.0.0.1:${port}`;
    const invite = this.#request('INVITE', to, `<${to}>`, id, 1, sdp(this.#caller?.port ?? 0), headers);
    const call = { id, invitedAt: performance.now(), ms: undefined, over: Promise.withResolvers<void>() };
    this.#calls.set(id, call);
    this.#dialogs.set(id, call);
    this.#caller?.send(invite, port);
    return call;
  }

  #request(
    name: string,
    target: string,
    to: string,
    id: string,
    cseq: number,
    body = '',
    headers: readonly (readonly [string, string])[] = [],
  ): SipMessage {
    const at = this.#caller?.address ?? '';
    return {
      start: `${name} ${target} SIP/2.0`,
      headers: [
        ['Via', `SIP/2.0/UDP ${at};branch=z9hG4bK${randomUUID()}`],
        ['Max-Forwards', '70'],
        ['From', `<sip:13800138000@127.0.0.1>;tag=${id}`],
        ['To', to],
        ['Call-ID', id],
        ['CSeq', `${cseq} ${name}`],
        ['Contact', `<sip:13800138000@${at}>`],
        ...headers,
      ],
      body,
    };
  }

  #atCaller(message: SipMessage, port: number): void {
    const id = header(message, 'Call-ID');
    const call = this.#dialogs.get(id);
    if (method(message) !== undefined) {
      this.#caller?.send(
        response(message, { status: 200, tag: 'caller', contact: `sip:13800138000@${this.#caller.address}` }),
        port,
      );
      if (method(message) === 'BYE') call?.over.resolve();
      return;
    }
    const status = statusOf(message);
    const cseq = header(message, 'CSeq');
    if (status < 200) return;
    if (cseq.endsWith('BYE')) {
      call?.over.resolve();
      return;
    }
    const to = header(message, 'To');
    const target = status < 300 ? uri(header(message, 'Contact')) : uri(to);
    this.#caller?.send(this.#request('ACK', target, to, id, 1), port);
    if (status >= 300) call?.over.resolve();
    else
      setTimeout(() => {
        this.#caller?.send(this.#request('BYE', target, to, id, 2), port);
      }, TALK_MS);
  }

  #atCallee(message: SipMessage, port: number): void {
    const name = method(message);
    if (name === undefined || name === 'ACK') return;
    const callee = { tag: 'callee', contact: `sip:123456@${this.callee}` };
    if (name !== 'INVITE') {
      this.#callee?.send(response(message, { status: 200, ...callee }), port);
      return;
    }
    const call = this.#calls.get(header(message, 'X-Bench-Id'));
    if (call) call.ms ??= performance.now() - call.invitedAt;
    this.#callee?.send(response(message, { status: 180, ...callee }), port);
    this.#callee?.send(response(message, { status: 200, ...callee, body: sdp(this.#callee.port) }), port);
  }
}
