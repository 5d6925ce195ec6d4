import type { Callee, Invite } from '#test/support/cases/switch.ts';
import { CalledParty } from './called-party.ts';
import { type Caller, CallingParty } from './calling-party.ts';
import { Registration } from './registration.ts';
import { codecs } from './sdp.ts';
import { header, method, type SipMessage, user } from './sip-message.ts';
import { openSipSocket, type SipSocket } from './sip-socket.ts';

/** SIP header with the id of the test's call that a called leg belongs to. */
export const CALL_HEADER = 'X-Test-Call';

interface Conversation {
  receive(message: SipMessage): void;
  end(): void;
}

/** The script of the party that a number reaches; undefined if there is none. */
export type Reached = (number: string, via: Invite['via']) => Callee | undefined;

/** The called side of one call of the test. */
interface CalledSide {
  readonly reached: Reached;
  readonly invites: Invite[];
  readonly parties: CalledParty[];
}

/** The SIP side of one FreeSWITCH: callers, gateways, addresses and devices. */
export class SipNetwork {
  readonly #conversations = new Map<string, Conversation>();
  readonly #calls = new Map<string, CalledSide>();
  readonly #sockets: SipSocket[] = [];

  /** Opens a SIP port; calls that arrive there are recorded with this `via`. Without one it is for callers. */
  async listen(via: Invite['via'] | undefined): Promise<SipSocket> {
    const socket: SipSocket = await openSipSocket((message, port) => {
      const conversation = this.#conversations.get(header(message, 'Call-ID'));
      const replaced = conversation instanceof CalledParty && conversation.isReplacedBy(message);
      if (conversation !== undefined && !replaced) conversation.receive(message);
      else if (via !== undefined && method(message) === 'INVITE') this.#called(message, port, via, socket);
    });
    this.#sockets.push(socket);
    return socket;
  }

  async register(name: string, domain: string, device: SipSocket, port: number): Promise<void> {
    const registration = new Registration(name, domain, device, port);
    this.#conversations.set(registration.callId, registration);
    await registration.done;
  }

  /** Registers the called parties of a call. */
  expect(id: string, reached: Reached): CalledSide {
    const side: CalledSide = { reached, invites: [], parties: [] };
    this.#calls.set(id, side);
    return side;
  }

  /** Removes a call that has ended. */
  forget(id: string): void {
    const called = this.#calls.get(id)?.parties ?? [];
    for (const callId of [id, ...called.map((party) => party.callId)]) this.#conversations.delete(callId);
    this.#calls.delete(id);
  }

  /** Places a call whose Call-ID is its id. */
  call(caller: Caller, socket: SipSocket, port: number): CallingParty {
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
    const side = this.#calls.get(header(invite, CALL_HEADER));
    const party = new CalledParty(invite, socket, port, side?.reached(number, via));
    this.#conversations.set(party.callId, party);
    const callerNumber = user(header(invite, 'From'));
    side?.invites.push({ number, via, callerNumber, codecs: codecs(invite.body) });
    side?.parties.push(party);
  }
}
