import { ClosedError, CommandError, EventSocket, type Reply } from './event-socket.ts';
import type { Frame } from './frames.ts';
import { Silence } from './silence.ts';
import { decodeText } from './text.ts';

/** One event as FreeSWITCH writes it in JSON; a variable with several values is a list. */
export type FreeSwitchEvent = Readonly<Record<string, string | readonly string[]>>;

export interface InboundOptions {
  readonly host: string;
  readonly port: number;
  /** `user@domain` of a directory user, for `userauth`; without it the event socket's own password is meant. */
  readonly user: string | undefined;
  readonly password: string;
  readonly events: readonly string[];
  /** Header and value of each `filter`; an event that matches one of them is sent. */
  readonly filters: readonly (readonly [string, string])[];
  readonly onEvent: (event: FreeSwitchEvent) => void;
  /** Logged in and subscribed, for the first time or again. */
  readonly onUp: () => void;
  readonly onDown: (error: Error) => void;
  /** An event could not be read or its handler threw; the next one comes all the same. */
  readonly onFault: (error: Error) => void;
  /** A connection on which nothing whole has come for so long, an answer to a question included, is given up. */
  readonly silenceMs?: number;
  /** 0 up to 1, for the jitter of the backoff. */
  readonly random?: () => number;
}

const LOGIN_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 200;
const LAST_BACKOFF_MS = 10_000;
/** Any answer will do, a refusal too. */
const PING = 'uuid_exists ping';

/** Milliseconds before attempt number `attempt` (from 0), half of it jitter. */
export const backoffMs = (attempt: number, random: number): number =>
  Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt) * (0.5 + random / 2);

const rejected = (frame: Frame): Error =>
  new ClosedError(`FreeSWITCH refused this address: ${decodeText(frame.body).trim()}`);

/** A login on FreeSWITCH's event socket that comes back by itself, with its subscription, whatever happens. */
export class InboundConnection {
  readonly #options: InboundOptions;
  #socket: EventSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #silence: Silence | undefined;
  #attempt = 0;
  #up = false;
  #ended = false;

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#open();
  }

  get up(): boolean {
    return this.#up;
  }

  /** Runs an api command. @throws {CommandError} {ClosedError} */
  async api(command: string): Promise<string> {
    if (!this.#socket || !this.#up) throw new ClosedError('not logged in to FreeSWITCH');
    return (await this.#socket.send(`api ${command}`)).text;
  }

  close(): void {
    this.#ended = true;
    this.#up = false;
    clearTimeout(this.#retry);
    this.#silence?.close();
    this.#socket?.destroy();
  }

  #open(): void {
    const { host, port, onEvent, onFault } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const socket = EventSocket.open(host, port, {
      onEvent: (event) => onEvent(event as FreeSwitchEvent),
      onFault,
      onNotice: (frame) => {
        if (frame.type === 'text/rude-rejection') socket.destroy(rejected(frame));
        if (frame.type !== 'auth/request') return;
        this.#login(socket).then(
          () => clearTimeout(timer),
          (error: Error) => socket.destroy(error),
        );
      },
      onClose: (error) => {
        clearTimeout(timer);
        this.#lost(error ?? new ClosedError('FreeSWITCH closed the connection'));
      },
    });
    timer = setTimeout(() => socket.destroy(new ClosedError('no login within 5 s')), LOGIN_TIMEOUT_MS);
    this.#socket = socket;
  }

  async #login(socket: EventSocket): Promise<void> {
    const { user, password, events, filters } = this.#options;
    const login = user === undefined ? `auth ${password}` : `userauth ${user}:${password}`;
    await socket.send(login).catch((error: Error) => {
      throw error instanceof CommandError
        ? new CommandError('FreeSWITCH refused the login', { cause: error })
        : error;
    });
    const replies: Promise<Reply>[] = [
      socket.send(`event json ${events.join(' ')}`),
      ...filters.map(([header, value]) => socket.send(`filter ${header} ${value}`)),
    ];
    await Promise.all(replies);
    if (this.#ended) return;
    this.#attempt = 0;
    this.#up = true;
    this.#listenFor(socket);
    this.#options.onUp();
  }

  #listenFor(socket: EventSocket): void {
    const { silenceMs } = this.#options;
    if (silenceMs === undefined) return;
    this.#silence = new Silence({
      limitMs: silenceMs,
      received: () => socket.framesRead,
      ask: () => void socket.send(`api ${PING}`).catch(() => {}),
      onSilence: () => socket.destroy(new ClosedError(`nothing from FreeSWITCH for ${silenceMs} ms`)),
    });
  }

  #lost(error: Error): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#silence?.close();
    if (this.#ended) return;
    if (wasUp || this.#attempt === 0) this.#options.onDown(error);
    const { random = Math.random } = this.#options;
    this.#retry = setTimeout(() => this.#open(), backoffMs(this.#attempt++, random()));
  }
}
