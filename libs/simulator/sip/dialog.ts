import type { Clock } from '#libs/simulator/clock.ts';
import type { Header, OnMessage, SipMessage } from './message.ts';
import { statusPhrase } from './sip-status.ts';

interface Ends extends Pick<SipMessage, 'leg' | 'side' | 'number'> {
  /** FreeSWITCH's address: From of its requests. */
  readonly local: string;
  /** The party's address: To of FreeSWITCH's requests. */
  readonly remote: string;
  /** The URI of FreeSWITCH's requests. */
  readonly target: string;
  /** The URI of the party's requests. */
  readonly contact: string;
}

interface Content {
  readonly headers?: readonly Header[];
  readonly body?: string;
}

/** A response to `method`. */
interface Response extends Content {
  /** By default the phrase of RFC 3261. */
  readonly phrase?: string | undefined;
}

/** The SIP dialog of one leg: hands every message of both sides to an observer. */
export class SipDialog {
  readonly #ends: Ends;
  readonly #clock: Clock;
  readonly #onMessage: OnMessage | undefined;

  constructor(ends: Ends, clock: Clock, onMessage: OnMessage | undefined) {
    this.#ends = ends;
    this.#clock = clock;
    this.#onMessage = onMessage;
  }

  /** FreeSWITCH sends a request. */
  request(method: string, content: Content = {}): void {
    const { local, remote, target } = this.#ends;
    this.#message(false, `${method} ${target} SIP/2.0`, method, [local, remote], content);
  }

  /** FreeSWITCH responds to a request of the party. */
  response(method: string, status: number, response: Response = {}): void {
    const { local, remote } = this.#ends;
    this.#message(false, startOf(status, response), method, [remote, local], response);
  }

  /** The party sends a request. */
  partyRequest(method: string, content: Content = {}): void {
    const { local, remote, contact } = this.#ends;
    this.#message(true, `${method} ${contact} SIP/2.0`, method, [remote, local], content);
  }

  /** The party responds to a request of FreeSWITCH. */
  partyResponse(method: string, status: number, response: Response = {}): void {
    const { local, remote } = this.#ends;
    this.#message(true, startOf(status, response), method, [local, remote], response);
  }

  #message(
    byParty: boolean,
    start: string,
    method: string,
    [from, to]: readonly [string, string],
    { headers = [], body = '' }: Content,
  ): void {
    if (this.#onMessage === undefined) return;
    const { leg, side, number } = this.#ends;
    const own: Header[] = [
      ['From', from],
      ['To', to],
      ['CSeq', `1 ${method}`],
    ];
    this.#onMessage({
      ...{ at: Math.round(this.#clock.now()), leg, side, number, byParty, start },
      headers: [...own, ...headers],
      body,
    });
  }
}

const startOf = (status: number, { phrase = statusPhrase(status) }: Response): string =>
  `SIP/2.0 ${status} ${phrase}`;
