import type { Socket } from 'node:net';
import { ConnectionLimiter } from '#libs/net/connection-limiter.ts';
import { ClosedError, type CommandError, EventSocket, type PeerLimits, type Reply } from './event-socket.ts';
import type { Headers } from './frames.ts';
import { Listener } from './listener.ts';
import { oneLine } from './text.ts';

/** FreeSWITCH answers `connect` within a millisecond. A peer that takes this long is not FreeSWITCH. */
const CONNECT_TIMEOUT_MS = 5_000;

/** FreeSWITCH sends the data of one channel, about 10 kB, and short replies, and it answers at once. */
const LIMITS: PeerLimits = {
  frames: { headerBytes: 128 * 1024, bodyBytes: 16 * 1024 },
  replyMs: 10_000,
};
const BYTES_PER_CONNECTION = 32 * 1024;

/** FreeSWITCH closes the connection as soon as the call is released. */
const CLOSE_TIMEOUT_MS = 5_000;

/** The reason of `gone`. One object for all calls: creating one per call would capture a stack each time. */
const GONE = new ClosedError('the caller hung up, or the connection was lost');

/** The applications that a call was released with, in order, and when. */
export interface Released {
  readonly applications: readonly string[];
  readonly time: Date;
}

/** A dialplan application and its data. FreeSWITCH expands variables in the data. */
interface Application {
  readonly name: string;
  readonly data: string;
}

/**
 * One call on which FreeSWITCH runs its `socket` application (without `async` and `full`). FreeSWITCH waits for it
 * until `runAndRelease`, `setAndRelease` or the end of the connection.
 */
export class OutboundCall {
  /** The channel data of `connect`, by header. */
  readonly data: Headers;
  /** Aborted when the caller hangs up or the connection is lost. */
  readonly gone: AbortSignal;
  readonly #socket: EventSocket;
  readonly #readAhead: ReadonlyMap<string, string>;
  #tag: Application | undefined;
  #released: Released | undefined;

  constructor(
    data: Headers,
    gone: AbortSignal,
    socket: EventSocket,
    readAhead: ReadonlyMap<string, string> = new Map(),
    tag?: Application,
  ) {
    this.data = data;
    this.gone = gone;
    this.#socket = socket;
    this.#readAhead = readAhead;
    this.#tag = tag;
  }

  /** undefined until the call is released. */
  get released(): Released | undefined {
    return this.#released;
  }

  /** Runs one application now. FreeSWITCH expands its data: never pass text from a caller or an endpoint. */
  execute(application: string, data: string): Promise<Reply> {
    return this.#socket.sendMessage([
      ['call-command', 'execute'],
      ['execute-app-name', application],
      ['execute-app-arg', data],
    ]);
  }

  /** Tags the channel, unless it was tagged before. Releasing a call tags it too. */
  tag(): void {
    const tag = this.#tag;
    this.#tag = undefined;
    if (tag) this.execute(tag.name, tag.data).catch(() => {});
  }

  /** A channel variable, cut by FreeSWITCH at 511 bytes; `''` when it is not set. */
  async getVariable(name: string): Promise<string> {
    return this.#readAhead.get(name) ?? this.#socket.getVariable(name);
  }

  /**
   * Gives the call these applications as its new extension and releases it, in one write. From then on it runs inside
   * FreeSWITCH and does not depend on this process.
   * @throws {UnsafeValueError} when one holds a line end; then nothing is sent and the call is not released.
   */
  async runAndRelease(applications: readonly Application[]): Promise<void> {
    const list = applications.map(
      ({ name, data }) =>
        ['application', oneLine(data === '' ? name : `${name} ${data}`, 'application')] as const,
    );
    this.#released = { applications: list.map(([, application]) => application), time: new Date() };
    await this.#socket.together(() => {
      this.tag();
      const accepted = this.#socket.sendMessage([['call-command', 'xferext'], ...list]);
      void this.#exit();
      return accepted;
    });
  }

  /**
   * Sets `variables` on the channel and `exported` on the legs that the dialplan will call, and releases the call: the
   * dialplan continues with its next action.
   * @throws {UnsafeValueError} when one holds a line end; then nothing is sent and the call is not released.
   */
  async setAndRelease(
    variables: Readonly<Record<string, string>>,
    exported: Readonly<Record<string, string>>,
  ): Promise<void> {
    const applications = [
      ...Object.entries(variables).map(([name, value]) => ['set', `${name}=${value}`] as const),
      ...Object.entries(exported).map(([name, value]) => ['export', `nolocal:${name}=${value}`] as const),
    ];
    for (const [name, data] of applications) oneLine(data, name);
    this.#released = {
      applications: applications.map(([name, data]) => `${name} ${data}`),
      time: new Date(),
    };
    await this.#socket.together(() => {
      this.tag();
      const replies = applications.map(([name, data]) => this.execute(name, data));
      void this.#exit();
      return Promise.all(replies);
    });
  }

  #exit(): Promise<unknown> {
    return this.#socket.send('exit').catch((error: CommandError) => error);
  }
}

export interface OutboundServerOptions {
  readonly host: string;
  readonly port: number;
  /**
   * The application that tags a channel, from its data; undefined for none. Runs when the call is tagged, at the latest
   * when it is released.
   */
  readonly tag?: (data: Headers) => Application | undefined;
  /** A variable that is read together with the channel data, without an additional round trip. */
  readonly readAhead?: string;
  /** Whether to accept a connection from this address. Default: every address. */
  readonly admits?: (address: string) => boolean;
  /** Connections at once. Default: no limit. */
  readonly maxConnections?: number;
  /** Connections at once from one address. Default: `maxConnections`. */
  readonly maxConnectionsPerAddress?: number;
  /** A connection was refused, ended before it was a call, or was closed to make room for another one. */
  readonly onRefused: (address: string, reason: string) => void;
  readonly onCall: (call: OutboundCall) => Promise<void>;
  readonly onError: (error: Error) => void;
}

/** The connection was closed to make room for another one. */
class EvictedError extends Error {
  override readonly name = 'EvictedError';
}

/** Accepts the connections of FreeSWITCH's `socket` application, one for each call. */
export class OutboundServer {
  #listener: Listener | undefined;
  #closed = false;
  readonly #options: OutboundServerOptions;
  readonly #sockets = new Set<EventSocket>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #limiter: ConnectionLimiter<Socket>;

  private constructor(options: OutboundServerOptions) {
    const { maxConnections: max = Number.MAX_SAFE_INTEGER, maxConnectionsPerAddress: maxPerAddress = max } =
      options;
    this.#options = options;
    this.#limiter = new ConnectionLimiter({ max, maxPerAddress, bytesPerConnection: BYTES_PER_CONNECTION });
  }

  /** @throws {Error} with code EADDRINUSE or EACCES when the address cannot be listened on. */
  static async listen(options: OutboundServerOptions): Promise<OutboundServer> {
    const server = new OutboundServer(options);
    const { host, port, onError } = options;
    const onConnection = (socket: Socket) => server.#accept(socket);
    server.#listener = await Listener.open({ host, port, onConnection, onError });
    return server;
  }

  get port(): number {
    return this.#listener?.port ?? this.#options.port;
  }

  /** Open connections. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Whether to accept calls. While they are refused, FreeSWITCH tries its next host at once. Ignored after `close`. */
  accept(accepts: boolean): void {
    if (!this.#closed) this.#listener?.accept(accepts);
  }

  /** Accepts no more calls (FreeSWITCH tries its next host) and waits for those in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listener?.accept(false);
    await Promise.all(this.#inFlight);
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(tcp: Socket): void {
    const address = tcp.remoteAddress ?? '';
    tcp.on('error', () => {});
    if (this.#options.admits?.(address) === false || !this.#makeRoom(tcp, address)) {
      tcp.destroy();
      return;
    }
    const gone = new AbortController();
    const { socket, connected } = EventSocket.accept(
      tcp,
      {
        onNotice: (frame) => {
          if (frame.type === 'text/disconnect-notice') gone.abort(GONE);
        },
        onClose: () => {
          this.#sockets.delete(socket);
          this.#limiter.release(tcp);
          gone.abort(GONE);
        },
      },
      LIMITS,
      this.#options.readAhead,
    );
    this.#sockets.add(socket);
    const work = this.#serve(tcp, socket, connected, gone.signal)
      .catch((error: Error) => {
        socket.destroy();
        this.#options.onError(error);
      })
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
  }

  /** Whether there is room for a connection. May close another connection for it. */
  #makeRoom(tcp: Socket, address: string): boolean {
    const evicted = this.#limiter.admit(tcp, address);
    if (evicted) this.#evict(evicted, address, 'too many connections');
    if (evicted === tcp) return false;
    tcp.on('data', () => {
      const heaviest = this.#limiter.recordBytes(tcp, tcp.bytesRead);
      if (heaviest)
        this.#evict(
          heaviest,
          heaviest.remoteAddress ?? '',
          'the connections sent too much data, this one the most',
        );
    });
    return true;
  }

  #evict(tcp: Socket, address: string, reason: string): void {
    this.#options.onRefused(address, reason);
    tcp.destroy(new EvictedError(reason));
  }

  async #serve(
    tcp: Socket,
    socket: EventSocket,
    connected: Promise<Reply>,
    gone: AbortSignal,
  ): Promise<void> {
    const address = tcp.remoteAddress ?? '';
    const reply = await this.#awaitConnect(socket, connected).catch((error: Error) => {
      socket.destroy();
      const reason = error.cause instanceof Error ? error.cause : error;
      if (!(reason instanceof EvictedError)) this.#options.onRefused(address, reason.message);
    });
    if (!reply) return;
    this.#limiter.identify(tcp);
    const { tag, readAhead } = this.#options;
    const values = new Map(readAhead === undefined ? [] : [[readAhead, reply.text]]);
    await this.#options.onCall(new OutboundCall(reply.headers, gone, socket, values, tag?.(reply.headers)));
    closeInTime(tcp);
  }

  #awaitConnect(socket: EventSocket, connected: Promise<Reply>): Promise<Reply> {
    const timer = setTimeout(
      () => socket.destroy(new ClosedError('no reply to connect within 5 s')),
      CONNECT_TIMEOUT_MS,
    );
    return connected.finally(() => clearTimeout(timer));
  }
}

/** Closes a connection that the peer leaves open. */
function closeInTime(tcp: Socket): void {
  if (tcp.destroyed) return;
  const timer = setTimeout(() => tcp.destroy(), CLOSE_TIMEOUT_MS);
  tcp.once('close', () => clearTimeout(timer));
}
