import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import Connection from 'modesl/lib/esl/Connection.js';
import { type Frame, type FrameLimits, FrameParser, type Headers } from './frames.ts';
import { ReadBatches } from './read-batches.ts';
import { decodeText, oneLine, parseJson } from './text.ts';

/** FreeSWITCH's reply to one command. */
export interface Reply {
  readonly headers: Headers;
  /** The headers as they arrived: one character for each byte, not decoded. */
  readonly raw: Headers;
  /** The Reply-Text of a command, the body of an api command. */
  readonly text: string;
  /** The body of an api command, not decoded. */
  readonly body: Buffer;
}

/** FreeSWITCH replied -ERR. The message holds its text. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The connection ended before the reply. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
}

/** A reply and the values of variables before it. */
export interface Answer extends Reply {
  /** One character for each byte, not decoded. */
  readonly values: readonly string[];
}

interface Pending {
  readonly command: string;
  readonly settle: PromiseWithResolvers<Answer>;
  /** Whether this reply is the last one, when FreeSWITCH may send earlier ones or none. Default: the first reply is. */
  readonly isLast?: (reply: Reply) => boolean;
  /** The Reply-Text of each earlier reply, as it arrived. */
  readonly earlier: string[];
}

/** FreeSWITCH does not reply to the first command of a call, unless it is `connect` (listener_run in mod_event_socket.c). */
const UNANSWERED = 'noop';

const isChannelData = ({ headers }: Reply): boolean => headers['Socket-Mode'] !== undefined;

/** Values of variables among replies: FreeSWITCH may reply -ERR for a variable that is empty or not set. */
const valuesOf = (replies: readonly string[]): string[] =>
  replies.filter((reply) => !reply.startsWith('-ERR'));

/** modesl's connection with its own framing replaced: modesl mispairs replies, and renames or loses frames. */
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
  /** An event was not JSON, or its handler threw. Default: the connection is closed. */
  readonly onFault?: (error: Error, body: Buffer) => void;
  readonly onNotice?: (frame: Frame) => void;
  /** Called once. `error` is undefined when the peer closed the connection. */
  readonly onClose: (error: Error | undefined) => void;
}

/** Limits for a peer that may not be FreeSWITCH. */
export interface PeerLimits {
  readonly frames: FrameLimits;
  /** Time limit for each reply, in milliseconds. */
  readonly replyMs: number;
}

/**
 * One event socket connection, inbound or outbound. Replies are matched to commands by order. When the connection ends,
 * the commands without a reply are rejected.
 */
export class EventSocket {
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #listeners: Listeners;
  readonly #replyMs: number | undefined;
  #batches: ReadBatches | undefined;
  #overdue: NodeJS.Timeout | undefined;
  #framesRead = 0;
  /** Core-UUID in the reply to `connect`. */
  #coreUuid = '';
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
    this.#replyMs = limits?.replyMs;
    if (limits) connection.frames.limits = limits.frames;
    connection.onFrame = (frame) => this.#frame(frame);
    connection.onFault = (error) => this.destroy(error);
    connection.on('error', (error: Error) => this.destroy(error));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.once('close', () => this.#close());
  }

  /**
   * Accepts a connection of FreeSWITCH's `socket` application and sends `connect`. `connected` resolves with the channel
   * data as headers, and with the value of `variable` in `values`. The variable is requested before `connect`, so that
   * it costs no additional round trip.
   */
  static accept(
    socket: Socket,
    listeners: Listeners,
    limits?: PeerLimits,
    variable?: string,
  ): { socket: EventSocket; connected: Promise<Answer> } {
    socket.cork();
    if (variable !== undefined) socket.write(`${UNANSWERED}\n\ngetvar ${variable}\n\n`);
    const eventSocket = new EventSocket(new ModeslConnection(socket), socket, listeners, limits);
    const connected = eventSocket.#expect('connect', isChannelData);
    process.nextTick(() => socket.uncork());
    return { socket: eventSocket, connected };
  }

  /**
   * Connects to FreeSWITCH's event socket. The caller must log in when `onNotice` gets `auth/request`. If `batchMs` is not
   * 0, events are read at this interval. Replies are read at once.
   */
  static open(host: string, port: number, listeners: Listeners, batchMs = 0): EventSocket {
    const connection = new ModeslConnection(host, port, '');
    if (!connection.socket) throw new ClosedError('no socket');
    const eventSocket = new EventSocket(connection, connection.socket, listeners);
    if (batchMs > 0)
      eventSocket.#batches = new ReadBatches(
        connection.socket,
        batchMs,
        () => eventSocket.#pending.length > 0,
      );
    return eventSocket;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Complete frames received so far. */
  get framesRead(): number {
    return this.#framesRead;
  }

  /**
   * Sends one command and resolves with its reply.
   * @throws {UnsafeValueError} when a value holds a line end; then nothing is sent.
   * @throws {CommandError} when FreeSWITCH replies -ERR. @throws {ClosedError} when the connection ends first.
   */
  async send(command: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    oneLine(command, 'the command');
    for (const [name, value] of Object.entries(headers)) oneLine(value, name);
    return this.#write(command, [
      command,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ]);
  }

  /** `sendmsg`, whose headers may repeat (`application` of xferext). `body` is one line too. Throws like `send`. */
  async sendMessage(headers: readonly (readonly [string, string])[], body = ''): Promise<Reply> {
    const lines = headers.map(([name, value]) => `${name}: ${oneLine(value, name)}`);
    const length = Buffer.byteLength(oneLine(body, 'the body'));
    const withBody = length === 0 ? [] : [`content-length: ${length}`, '', body];
    return this.#write('sendmsg', ['sendmsg', ...lines, ...withBody]);
  }

  /**
   * The values of channel variables in the order of `names`, without those that are empty or not set, cut by FreeSWITCH
   * at 511 bytes. One character for each byte, not decoded. A value with a line end corrupts the replies, and one that
   * starts with ~ is lost.
   *
   * FreeSWITCH replies with an error or not at all when a variable is empty, and leaves a value that starts with ~
   * unterminated. `getvar core_uuid` is sent after them: its reply, a value that no caller can choose, is the last one.
   */
  async getVariables(names: readonly string[]): Promise<readonly string[]> {
    for (const name of names) oneLine(name, 'the name of the variable');
    const lines = [...names.flatMap((name) => [`getvar ${name}`, '']), 'getvar core_uuid'];
    const pending = this.#write('getvar', lines, ({ text }) => text === this.#coreUuid);
    return (await pending).values;
  }

  /** Sends all commands of `work` in one write. */
  together<T>(work: () => T): T {
    this.#socket.cork();
    try {
      return work();
    } finally {
      this.#socket.uncork();
    }
  }

  /** Resolves when the events that have arrived are read. */
  async readNow(): Promise<void> {
    this.#batches?.resume();
    // The first turn may end without polling the socket again.
    await turn();
    await turn();
  }

  destroy(error?: Error): void {
    this.#fault ??= error;
    this.#socket.destroy();
  }

  async #write(command: string, lines: readonly string[], isLast?: Pending['isLast']): Promise<Answer> {
    if (this.#closed || !this.#socket.writable)
      throw new ClosedError(`not connected: ${command.split(' ', 1)[0]}`);
    const reply = this.#expect(command, isLast);
    // One write: modesl's own send makes one packet for each line end.
    this.#socket.write(`${lines.join('\n')}\n\n`);
    return reply;
  }

  #expect(command: string, isLast?: Pending['isLast']): Promise<Answer> {
    const settle = Promise.withResolvers<Answer>();
    settle.promise.catch(() => {});
    this.#pending.push({ command, settle, earlier: [], ...(isLast === undefined ? {} : { isLast }) });
    if (this.#pending.length === 1) this.#startReplyTimer();
    this.#batches?.resume();
    return settle.promise;
  }

  /** Starts the time limit of the oldest command without a reply. Other frames do not extend it. */
  #startReplyTimer(): void {
    clearTimeout(this.#overdue);
    const [oldest] = this.#pending;
    if (this.#replyMs === undefined || !oldest || this.#closed) return;
    const message = `no reply to ${oldest.command.split(' ', 1)[0]} within ${this.#replyMs} ms`;
    this.#overdue = setTimeout(() => this.destroy(new ClosedError(message)), this.#replyMs);
  }

  #frame(frame: Frame): void {
    this.#framesRead++;
    if (frame.type === 'command/reply') this.#reply(frame, frame.headers['Reply-Text'] ?? '');
    else if (frame.type === 'api/response') this.#reply(frame, decodeText(frame.body));
    else if (frame.type === 'text/event-json') this.#event(frame.body);
    else this.#listeners.onNotice?.(frame);
  }

  #event(body: Buffer): void {
    try {
      this.#listeners.onEvent?.(parseJson(body));
    } catch (error) {
      if (!this.#listeners.onFault) throw error;
      this.#listeners.onFault(error as Error, body);
    }
  }

  #reply({ headers, raw, body }: Frame, text: string): void {
    const [pending] = this.#pending;
    if (!pending) throw new ClosedError('FreeSWITCH sent a reply without a command');
    const { command, settle, isLast, earlier } = pending;
    const reply = { headers, raw, text, body };
    if (isLast?.(reply) === false) {
      earlier.push(raw['Reply-Text'] ?? '');
      return;
    }
    if (command === 'connect') this.#coreUuid = headers['Core-UUID'] ?? '';
    this.#pending.shift();
    this.#startReplyTimer();
    if (!isLast && text.startsWith('-ERR'))
      settle.reject(new CommandError(`${command.split(' ', 1)[0]}: ${text.slice(4).trim()}`));
    else settle.resolve({ ...reply, values: valuesOf(earlier) });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#overdue);
    for (const { command, settle } of this.#pending.splice(0))
      settle.reject(
        new ClosedError(`the connection ended before the reply to ${command.split(' ', 1)[0]}`, {
          cause: this.#fault,
        }),
      );
    this.#listeners.onClose(this.#fault);
  }
}
