import type { Socket } from 'node:net';
import Connection from 'modesl/lib/esl/Connection.js';
import { type Frame, type FrameLimits, FrameParser, type Headers } from './frames.ts';
import { decodeText, oneLine, parseJson } from './text.ts';

/** What FreeSWITCH answered to one command. */
export interface Reply {
  readonly headers: Headers;
  /** Reply-Text of a command, the body of an api call. */
  readonly text: string;
}

/** FreeSWITCH answered -ERR. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The connection ended before the answer came. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
}

interface Pending {
  readonly command: string;
  readonly settle: PromiseWithResolvers<Reply>;
  /** Whether this reply ends the answer, where FreeSWITCH may send another before it, or none; every reply without it. */
  readonly ends?: (reply: Reply) => boolean;
  before?: string;
}

/** FreeSWITCH does not answer the first command of a call, unless it is `connect` (listener_run in mod_event_socket.c). */
const UNANSWERED = 'noop';

/** By a header from far behind the first one, which a reply that FreeSWITCH leaves without an end would spoil. */
const isChannelData = ({ headers }: Reply): boolean => headers['Socket-Mode'] !== undefined;

/** FreeSWITCH may answer -ERR for a variable that is empty or not set. */
const variableText = (reply: string | undefined): string =>
  reply === undefined || reply.startsWith('-ERR') ? '' : reply;

/** modesl's connection, with frames taken before modesl pairs, renames or loses them. */
class ModeslConnection extends Connection {
  declare onFrame: (frame: Frame) => void;
  declare onFault: (error: Error) => void;
  declare frames: FrameParser;

  override _onConnect(): void {
    if (!this.socket) return;
    this.frames = new FrameParser(this.socket, (frame) => this.onFrame(frame));
    this.frames.on('error', (error: Error) => this.onFault(error));
    this.connecting = false;
  }

  override subscribe(_events: unknown, callback?: () => void): void {
    callback?.();
  }
}

export interface Listeners {
  readonly onEvent?: (event: unknown) => void;
  /** An event that is not JSON or whose handler threw. Without this it ends the connection. */
  readonly onFault?: (error: Error) => void;
  readonly onNotice?: (frame: Frame) => void;
  /** Called once, whatever ended the connection. */
  readonly onClose: (error: Error | undefined) => void;
}

/** What is not to be trusted to be FreeSWITCH is held to these. */
export interface PeerLimits {
  readonly frames: FrameLimits;
  /** How long an answer may take, in milliseconds. */
  readonly answerMs: number;
}

/**
 * One connection on the event socket, either way round. Commands are answered in their order by one queue, whatever
 * the kind of the answer; a lost connection rejects all that wait.
 */
export class EventSocket {
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #listeners: Listeners;
  readonly #answerMs: number | undefined;
  #overdue: NodeJS.Timeout | undefined;
  #framesRead = 0;
  /** Of the channel that a connection of the `socket` application is for, as the answer to `connect` has it. */
  #uuid = '';
  #fault: Error | undefined;
  #closed = false;

  private constructor(
    connection: ModeslConnection,
    socket: Socket,
    listeners: Listeners,
    limits?: PeerLimits,
  ) {
    this.#socket = socket;
    this.#listeners = listeners;
    this.#answerMs = limits?.answerMs;
    if (limits) connection.frames.limits = limits.frames;
    connection.onFrame = (frame) => this.#frame(frame);
    connection.onFault = (error) => this.destroy(error);
    connection.on('error', (error: Error) => this.destroy(error));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.once('close', () => this.#close());
  }

  /**
   * Takes a connection that FreeSWITCH's `socket` application has opened; sends `connect` and resolves with its data,
   * as headers, and with the text of `variable`, which is asked for before it: FreeSWITCH has answered that by the time
   * it has gathered the data.
   */
  static accept(
    socket: Socket,
    listeners: Listeners,
    limits?: PeerLimits,
    variable?: string,
  ): { socket: EventSocket; connected: Promise<Reply> } {
    socket.cork();
    if (variable !== undefined) socket.write(`${UNANSWERED}\n\ngetvar ${variable}\n\n`);
    const eventSocket = new EventSocket(new ModeslConnection(socket), socket, listeners, limits);
    const connected = eventSocket.#expect('connect', isChannelData);
    process.nextTick(() => socket.uncork());
    return { socket: eventSocket, connected };
  }

  /** Opens a connection to FreeSWITCH's event socket. The caller answers `auth/request`, which comes as a notice. */
  static open(host: string, port: number, listeners: Listeners): EventSocket {
    const connection = new ModeslConnection(host, port, '');
    if (!connection.socket) throw new ClosedError('no socket');
    return new EventSocket(connection, connection.socket, listeners);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many frames have come, whole. */
  get framesRead(): number {
    return this.#framesRead;
  }

  /**
   * Sends one command and resolves with its reply.
   * @throws {UnsafeValueError} when a value holds a line end; nothing is sent then.
   * @throws {CommandError} when FreeSWITCH answers -ERR. @throws {ClosedError} when the connection ends first.
   */
  async send(command: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    oneLine(command, 'the command');
    for (const [name, value] of Object.entries(headers)) oneLine(value, name);
    return this.#write(command, [
      command,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ]);
  }

  /** `sendmsg` with headers that may repeat, as xferext's `application` does. */
  async sendMessage(headers: readonly (readonly [string, string])[]): Promise<Reply> {
    const lines = headers.map(([name, value]) => `${name}: ${oneLine(value, name)}`);
    return this.#write('sendmsg', ['sendmsg', ...lines]);
  }

  /**
   * A channel variable, cut by FreeSWITCH at 511 bytes; empty when it is not set. FreeSWITCH answers an error or
   * nothing at all for an empty variable, and what starts with ~ without an end: the channel's own uuid, asked for
   * right behind it, says when the answer is over.
   */
  async getVariable(name: string): Promise<string> {
    oneLine(name, 'the name of the variable');
    const lines = [`getvar ${name}`, '', 'getvar uuid'];
    return (await this.#write('getvar', lines, ({ text }) => text === this.#uuid)).text;
  }

  /** Gathers what `work` sends into one write. */
  together<T>(work: () => T): T {
    this.#socket.cork();
    try {
      return work();
    } finally {
      this.#socket.uncork();
    }
  }

  destroy(error?: Error): void {
    this.#fault ??= error;
    this.#socket.destroy();
  }

  async #write(command: string, lines: readonly string[], ends?: Pending['ends']): Promise<Reply> {
    if (this.#closed || !this.#socket.writable)
      throw new ClosedError(`not connected: ${command.split(' ', 1)[0]}`);
    const reply = this.#expect(command, ends);
    // In one piece: modesl's own send makes a packet of each line end.
    this.#socket.write(`${lines.join('\n')}\n\n`);
    return reply;
  }

  #expect(command: string, ends?: Pending['ends']): Promise<Reply> {
    const settle = Promise.withResolvers<Reply>();
    settle.promise.catch(() => {});
    this.#pending.push({ command, settle, ...(ends === undefined ? {} : { ends }) });
    if (this.#pending.length === 1) this.#awaitAnswer();
    return settle.promise;
  }

  /** The oldest command that is not answered yet has its time from now on, whatever else comes meanwhile. */
  #awaitAnswer(): void {
    clearTimeout(this.#overdue);
    const [oldest] = this.#pending;
    if (this.#answerMs === undefined || !oldest || this.#closed) return;
    const words = `no answer to ${oldest.command.split(' ', 1)[0]} within ${this.#answerMs} ms`;
    this.#overdue = setTimeout(() => this.destroy(new ClosedError(words)), this.#answerMs);
  }

  #frame(frame: Frame): void {
    this.#framesRead++;
    if (frame.type === 'command/reply') this.#reply(frame.headers, frame.headers['Reply-Text'] ?? '');
    else if (frame.type === 'api/response') this.#reply(frame.headers, decodeText(frame.body));
    else if (frame.type === 'text/event-json') this.#event(frame.body);
    else this.#listeners.onNotice?.(frame);
  }

  #event(body: Buffer): void {
    try {
      this.#listeners.onEvent?.(parseJson(body));
    } catch (error) {
      if (!this.#listeners.onFault) throw error;
      this.#listeners.onFault(error as Error);
    }
  }

  #reply(headers: Headers, text: string): void {
    const [pending] = this.#pending;
    if (!pending) throw new ClosedError('FreeSWITCH answered what was not asked');
    const { command, settle, ends } = pending;
    if (ends?.({ headers, text }) === false) {
      pending.before = text;
      return;
    }
    if (command === 'connect') this.#uuid = headers['Unique-ID'] ?? '';
    this.#pending.shift();
    this.#awaitAnswer();
    if (ends) settle.resolve({ headers, text: variableText(pending.before) });
    else if (text.startsWith('-ERR'))
      settle.reject(new CommandError(`${command.split(' ', 1)[0]}: ${text.slice(4).trim()}`));
    else settle.resolve({ headers, text });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#overdue);
    for (const { command, settle } of this.#pending.splice(0))
      settle.reject(
        new ClosedError(`the connection ended before the answer to ${command.split(' ', 1)[0]}`, {
          cause: this.#fault,
        }),
      );
    this.#listeners.onClose(this.#fault);
  }
}
