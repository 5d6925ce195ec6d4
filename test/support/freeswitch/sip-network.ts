import type { Callee, Invite } from '#test/support/cases/case-node.ts';
import { CalledParty } from './called-party.ts';
import { type Caller, CallingParty } from './calling-party.ts';
import { Registration } from './registration.ts';
import { codecs } from './sdp.ts';
import { formatSip, header, method, type SipMessage, user } from './sip-message.ts';
import { openSipSocket, type SipSocket } from './sip-socket.ts';
import type { TracedMessage } from './sip-trace.ts';

/** SIP header with the id of the test's call that a called leg belongs to. */
export const CALL_HEADER = 'X-Test-Call';

interface Conversation {
  receive(message: SipMessage): void;
  end(): void;
}

/** The script of the party that a number reaches; undefined if there is none. */
export type Reached = (number: string, via: Invite['via']) => Callee | undefined;

/** One call of the test: the parties that FreeSWITCH called for it, and every SIP message of both sides. */
export interface TestCall {
  readonly reached: Reached;
  readonly invites: Invite[];
  readonly parties: CalledParty[];
  readonly trace: TracedMessage[];
}

/** The call that a SIP dialog belongs to, and its side there. */
type DialogOwner = Pick<TracedMessage, 'side' | 'number'> & { readonly call: TestCall };

/** The SIP side of one FreeSWITCH: callers, gateways, addresses and devices. */
export class SipNetwork {
  readonly #conversations = new Map<string, Conversation>();
  readonly #calls = new Map<string, TestCall>();
  readonly #owners = new Map<string, DialogOwner>();
  readonly #sockets: SipSocket[] = [];

  /** Opens a SIP port; calls that arrive there are recorded with this `via`. Without one it is for callers. */
  async listen(via: Invite['via'] | undefined, host?: string): Promise<SipSocket> {
    const socket: SipSocket = await openSipSocket(
      (message, port) => {
        const conversation = this.#conversations.get(header(message, 'Call-ID'));
        const replaced = conversation instanceof CalledParty && conversation.isReplacedBy(message);
        if (conversation !== undefined && !replaced) {
          this.#trace(message, false);
          conversation.receive(message);
        } else if (via !== undefined && method(message) === 'INVITE')
          this.#called(message, port, via, socket);
      },
      (message) => this.#trace(message, true),
      host,
    );
    this.#sockets.push(socket);
    return socket;
  }

  /** Registers a device of a user; `parameters` are those of its contact: `;pn-tok=...`. */
  async register(
    name: string,
    domain: string,
    device: SipSocket,
    port: number,
    parameters = '',
  ): Promise<void> {
    const registration = new Registration(name, domain, device, port, parameters);
    this.#conversations.set(registration.callId, registration);
    await registration.done;
  }

  /** Registers the called parties of a call. */
  expect(id: string, reached: Reached): TestCall {
    const call: TestCall = { reached, invites: [], parties: [], trace: [] };
    this.#calls.set(id, call);
    return call;
  }

  /** Removes a call that has ended. */
  forget(id: string): void {
    const call = this.#calls.get(id);
    const owned = [...this.#owners].filter(([, owner]) => owner.call === call);
    for (const [callId] of owned) {
      this.#conversations.delete(callId);
      this.#owners.delete(callId);
    }
    this.#calls.delete(id);
  }

  /** Removes all calls, also those that have not ended. Their dialogs remain until FreeSWITCH ends them. */
  forgetAll(): void {
    this.#calls.clear();
  }

  /** Places a call that is expected. */
  call(caller: Caller, socket: SipSocket, port: number): CallingParty {
    const call = this.#calls.get(caller.id);
    if (call) this.#owners.set(caller.callId, { call, side: 'caller', number: caller.destination });
    const party = new CallingParty(caller, socket, port);
    this.#conversations.set(party.callId, party);
    return party;
  }

  /** Ends all conversations without a message: their FreeSWITCH has ended. */
  hangUp(): void {
    for (const conversation of this.#conversations.values()) conversation.end();
  }

  async close(): Promise<void> {
    this.hangUp();
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }

  #called(invite: SipMessage, port: number, via: Invite['via'], socket: SipSocket): void {
    const number = user(invite.start);
    const call = this.#callOf(invite);
    const callId = header(invite, 'Call-ID');
    if (call) this.#owners.set(callId, { call, side: 'called', number });
    this.#trace(invite, false);
    const party = new CalledParty(invite, socket, port, call?.reached(number, via));
    this.#conversations.set(callId, party);
    const callerNumber = user(header(invite, 'From'));
    call?.invites.push({ number, via, callerNumber, codecs: codecs(invite.body) });
    call?.parties.push(party);
  }

  /** An INVITE without the header, as when a setting keeps headers from called legs, is the only call's. */
  #callOf(invite: SipMessage): TestCall | undefined {
    const id = header(invite, CALL_HEADER);
    if (id !== '') return this.#calls.get(id);
    return this.#calls.size === 1 ? this.#calls.values().next().value : undefined;
  }

  #trace(message: SipMessage, byParty: boolean): void {
    const owner = this.#owners.get(header(message, 'Call-ID'));
    if (owner === undefined) return;
    const { call, side, number } = owner;
    call.trace.push({ at: Date.now(), side, number, byParty, text: formatSip(message) });
  }
}
