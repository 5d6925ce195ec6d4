import { type Backoff, backoffMs } from '#libs/backoff/backoff.ts';
import { ClosedError, CommandError, EventSocket, type Reply } from './event-socket.ts';
import type { Frame } from './frames.ts';
import { SilenceDetector } from './silence-detector.ts';
import { decodeText, parseJson } from './text.ts';

/** One event in FreeSWITCH's JSON format. A variable with several values is a list. */
export type FreeSwitchEvent = Readonly<Record<string, string | readonly string[]>>;

export interface InboundOptions {
  readonly host: string;
  readonly port: number;
  /** `user@domain` of a directory user, for `userauth`. undefined: log in with the event socket password only. */
  readonly user: string | undefined;
  /** Password of `user`, or of the event socket. */
  readonly password: string;
  readonly events: readonly string[];
  /** Events that the user may not be allowed to receive. Each has its own `event` command. */
  readonly optionalEvents?: readonly string[];
  /** Called for an optional event that FreeSWITCH refuses. */
  readonly onEventRefused?: (event: string) => void;
  /** Header and value of each `filter` command. */
  readonly filters: readonly (readonly [string, string])[];
  readonly onEvent: (event: FreeSwitchEvent) => void;
  /** Called after each login and subscription. */
  readonly onUp: () => void;
  /** Called when the connection is lost, and once when the first attempt fails. */
  readonly onDown: (error: Error) => void;
  /** An event could not be parsed, or `onEvent` threw. Later events are still delivered. `body` is the event as sent. */
  readonly onFault: (error: Error, body: Buffer) => void;
  /** Time without a complete frame, in spite of pings, after which the connection is closed. Default: no limit. */
  readonly silenceMs?: number;
  /** Interval at which events are read, ms. Default: each event is read at once. */
  readonly batchMs?: number;
  /** From 0 to 1, for the jitter of the backoff. */
  readonly random?: () => number;
}

const LOGIN_TIMEOUT_MS = 5_000;
const BACKOFF: Backoff = { firstMs: 200, maxMs: 10_000 };
/** Any reply shows that FreeSWITCH is alive, a refusal too. */
const PING = 'uuid_exists ping';

/** Milliseconds before the next connection, half of them jitter. `random` is from 0 to 1. */
export const reconnectDelayMs = (failures: number, random: number): number =>
  backoffMs(BACKOFF, failures) * (0.5 + random / 2);

const rejected = (frame: Frame): Error =>
  new ClosedError(`FreeSWITCH refused this address: ${decodeText(frame.body).trim()}`);

/** A connection to FreeSWITCH's event socket that reconnects, logs in and subscribes again until it is closed. */
export class InboundConnection {
  readonly #options: InboundOptions;
  #socket: EventSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #silence: SilenceDetector | undefined;
  /** Connections without a login since the last one that logged in. */
  #failures = 0;
  #up = false;
  #ended = false;

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#open();
  }

  get up(): boolean {
    return this.#up;
  }

  /**
   * Runs an api command and resolves with its output.
   * @throws {CommandError} when FreeSWITCH replies -ERR. @throws {ClosedError} when not logged in.
   */
  async api(command: string): Promise<string> {
    if (!this.#socket || !this.#up) throw new ClosedError('not logged in to FreeSWITCH');
    return (await this.#socket.send(`api ${command}`)).text;
  }

  /** Runs an api command whose output is JSON. Throws like `api`. @throws {SyntaxError} when it is not JSON. */
  async apiJson(command: string): Promise<unknown> {
    if (!this.#socket || !this.#up) throw new ClosedError('not logged in to FreeSWITCH');
    return parseJson((await this.#socket.send(`api ${command}`)).body);
  }

  /** Resolves when the events that have arrived are handled. */
  async readNow(): Promise<void> {
    await this.#socket?.readNow();
  }

  /** Handles the events that have arrived, then closes. */
  async finish(): Promise<void> {
    this.#ended = true;
    await this.readNow();
    this.close();
  }

  close(): void {
    this.#ended = true;
    this.#up = false;
    clearTimeout(this.#retry);
    this.#silence?.close();
    this.#socket?.destroy();
  }

  #open(): void {
    const { host, port, onEvent, onFault, batchMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const socket = EventSocket.open(
      host,
      port,
      {
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
      },
      batchMs,
    );
    timer = setTimeout(() => socket.destroy(new ClosedError('no login within 5 s')), LOGIN_TIMEOUT_MS);
    this.#socket = socket;
  }

  async #login(socket: EventSocket): Promise<void> {
    const { user, password, events, optionalEvents = [], filters } = this.#options;
    const login = user === undefined ? `auth ${password}` : `userauth ${user}:${password}`;
    await socket.send(login).catch((error: Error) => {
      throw error instanceof CommandError
        ? new CommandError('FreeSWITCH refused the login', { cause: error })
        : error;
    });
    const replies: Promise<Reply | undefined>[] = [
      socket.send(`event json ${events.join(' ')}`),
      ...optionalEvents.map((event) => this.#subscribe(socket, event)),
      ...filters.map(([header, value]) => socket.send(`filter ${header} ${value}`)),
    ];
    await Promise.all(replies);
    if (this.#ended) return;
    this.#failures = 0;
    this.#up = true;
    this.#watchForSilence(socket);
    this.#options.onUp();
  }

  async #subscribe(socket: EventSocket, event: string): Promise<Reply | undefined> {
    try {
      return await socket.send(`event json ${event}`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#options.onEventRefused?.(event);
      return undefined;
    }
  }

  #watchForSilence(socket: EventSocket): void {
    const { silenceMs } = this.#options;
    if (silenceMs === undefined) return;
    this.#silence = new SilenceDetector({
      limitMs: silenceMs,
      received: () => socket.framesRead,
      ping: () => void socket.send(`api ${PING}`).catch(() => {}),
      onSilence: () => socket.destroy(new ClosedError(`nothing from FreeSWITCH for ${silenceMs} ms`)),
    });
  }

  #lost(error: Error): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#silence?.close();
    if (this.#ended) return;
    if (wasUp || this.#failures === 0) this.#options.onDown(error);
    const { random = Math.random } = this.#options;
    this.#retry = setTimeout(() => this.#open(), reconnectDelayMs(++this.#failures, random()));
  }
}
