import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ConnectionLimiter } from '#libs/net/connection-limiter.ts';
import { ClosedError, type CommandError, EventSocket, type PeerLimits, type Reply } from './event-socket.ts';
import type { Headers } from './frames.ts';
import { oneLine } from './text.ts';

/** FreeSWITCH answers `connect` within a millisecond; what does not is something else. */
const CONNECT_TIMEOUT_MS = 5_000;

/** What FreeSWITCH sends here is the data of one channel, some 10 kB, and short replies; it answers at once. */
const LIMITS: PeerLimits = {
  frames: { headerBytes: 128 * 1024, bodyBytes: 16 * 1024 },
  answerMs: 10_000,
};
const BYTES_PER_CONNECTION = 32 * 1024;

/** FreeSWITCH closes the connection as soon as the call is let go. */
const LEAVE_TIMEOUT_MS = 5_000;

/** Why a call is gone: one for all, as a new one takes its stack with it each time. */
const GONE = new ClosedError('the caller has given up, or the connection is lost');

/** Calls that may arrive before they are taken: FreeSWITCH waits 25 s for one whose connection is dropped in silence. */
const BACKLOG = 4096;

/** What a call was given to run when it was let go, in order, and when. */
export interface Told {
  readonly applications: readonly string[];
  readonly time: Date;
}

/** An application of FreeSWITCH with its data, which FreeSWITCH expands. */
interface Application {
  readonly name: string;
  readonly data: string;
}

/** One call that FreeSWITCH has handed over with its `socket` application. */
export class OutboundCall {
  /** All that FreeSWITCH knows of the channel, as its headers name it. */
  readonly data: Headers;
  /** Aborted when the caller has given up or the connection is lost. */
  readonly gone: AbortSignal;
  readonly #socket: EventSocket;
  readonly #ahead: ReadonlyMap<string, string>;
  #mark: Application | undefined;
  #told: Told | undefined;

  constructor(
    data: Headers,
    gone: AbortSignal,
    socket: EventSocket,
    ahead: ReadonlyMap<string, string> = new Map(),
    mark?: Application,
  ) {
    this.data = data;
    this.gone = gone;
    this.#socket = socket;
    this.#ahead = ahead;
    this.#mark = mark;
  }

  /** undefined when it was not let go. */
  get told(): Told | undefined {
    return this.#told;
  }

  /** Runs one application now. Its data is expanded by FreeSWITCH: never pass what a stranger wrote. */
  execute(application: string, data: string): Promise<Reply> {
    return this.#socket.sendMessage([
      ['call-command', 'execute'],
      ['execute-app-name', application],
      ['execute-app-arg', data],
    ]);
  }

  /** Marks the call, once; one that is let go without has it done then. */
  tag(): void {
    const mark = this.#mark;
    this.#mark = undefined;
    if (mark) this.execute(mark.name, mark.data).catch(() => {});
  }

  /** A channel variable, cut by FreeSWITCH at 511 bytes; empty when it is not set. */
  async getVariable(name: string): Promise<string> {
    return this.#ahead.get(name) ?? this.#socket.getVariable(name);
  }

  /**
   * Gives the call these applications as its new extension and lets it go, in one write: from here on it runs inside
   * FreeSWITCH, whatever becomes of this process.
   * @throws {UnsafeValueError} when one holds a line end; nothing is sent then and the call is still held.
   */
  async runAndRelease(applications: readonly Application[]): Promise<void> {
    const list = applications.map(
      ({ name, data }) =>
        ['application', oneLine(data === '' ? name : `${name} ${data}`, 'application')] as const,
    );
    this.#told = { applications: list.map(([, application]) => application), time: new Date() };
    await this.#socket.together(() => {
      this.tag();
      const accepted = this.#socket.sendMessage([['call-command', 'xferext'], ...list]);
      void this.#exit();
      return accepted;
    });
  }

  /**
   * Sets channel variables, `called` on the legs that the dialplan will call, and lets the call go: the dialplan
   * continues with its next line.
   * @throws {UnsafeValueError} when one holds a line end; nothing is sent then and the call is still held.
   */
  async setAndRelease(
    variables: Readonly<Record<string, string>>,
    called: Readonly<Record<string, string>>,
  ): Promise<void> {
    const applications = [
      ...Object.entries(variables).map(([name, value]) => ['set', `${name}=${value}`] as const),
      ...Object.entries(called).map(([name, value]) => ['export', `nolocal:${name}=${value}`] as const),
    ];
    for (const [name, data] of applications) oneLine(data, name);
    this.#told = { applications: applications.map(([name, data]) => `${name} ${data}`), time: new Date() };
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
  /** What tells a call of ours from others: run when it is marked, at the latest before it is let go. */
  readonly mark?: Application;
  /** A variable that is read before the call is handed over, as it stands then, at no round trip. */
  readonly readAhead?: string;
  /** Whether a connection from this address is taken; every one without it. */
  readonly admits?: (address: string) => boolean;
  /** Connections at once, in all and from one address. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  /** A connection was not taken, ended without having been a call, or had to give way. */
  readonly onRefused: (address: string, why: string) => void;
  readonly onCall: (call: OutboundCall) => Promise<void>;
  readonly onError: (error: Error) => void;
}

/** A connection had to give way. */
class TurnedOut extends Error {
  override readonly name = 'TurnedOut';
}

/** Takes the connections of FreeSWITCH's `socket` application, one for each call. */
export class OutboundServer {
  readonly #server: Server;
  readonly #options: OutboundServerOptions;
  readonly #sockets = new Set<EventSocket>();
  readonly #inHand = new Set<Promise<void>>();
  readonly #limiter: ConnectionLimiter<Socket>;

  private constructor(options: OutboundServerOptions) {
    const { maxConnections: max = Number.MAX_SAFE_INTEGER, maxConnectionsPerAddress: maxPerAddress = max } =
      options;
    this.#options = options;
    this.#limiter = new ConnectionLimiter({ max, maxPerAddress, bytesPerConnection: BYTES_PER_CONNECTION });
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @throws when the address cannot be listened on. */
  static async listen(options: OutboundServerOptions): Promise<OutboundServer> {
    const server = new OutboundServer(options);
    server.#server.listen({ port: options.port, host: options.host, backlog: BACKLOG });
    await once(server.#server, 'listening');
    server.#server.on('error', options.onError);
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Calls being decided. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Takes no more calls (FreeSWITCH tries its next host) and waits for those in hand. */
  async close(): Promise<void> {
    this.#server.close();
    await Promise.all(this.#inHand);
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(tcp: Socket): void {
    const address = tcp.remoteAddress ?? '';
    tcp.on('error', () => {});
    if (this.#options.admits?.(address) === false || !this.#seat(tcp, address)) {
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
      .finally(() => this.#inHand.delete(work));
    this.#inHand.add(work);
  }

  /** Whether there is a place for a connection; another may have had to go for it. */
  #seat(tcp: Socket, address: string): boolean {
    const goes = this.#limiter.admit(tcp, address);
    if (goes) this.#turnOut(goes, address, 'there are too many');
    if (goes === tcp) return false;
    tcp.on('data', () => {
      const heaviest = this.#limiter.recordBytes(tcp, tcp.bytesRead);
      if (heaviest)
        this.#turnOut(
          heaviest,
          heaviest.remoteAddress ?? '',
          'they have sent too much together, and this one most',
        );
    });
    return true;
  }

  #turnOut(tcp: Socket, address: string, why: string): void {
    this.#options.onRefused(address, why);
    tcp.destroy(new TurnedOut(why));
  }

  async #serve(
    tcp: Socket,
    socket: EventSocket,
    connected: Promise<Reply>,
    gone: AbortSignal,
  ): Promise<void> {
    const address = tcp.remoteAddress ?? '';
    const reply = await this.#introduction(socket, connected).catch((error: Error) => {
      socket.destroy();
      const why = error.cause instanceof Error ? error.cause : error;
      if (!(why instanceof TurnedOut)) this.#options.onRefused(address, why.message);
    });
    if (!reply) return;
    this.#limiter.identify(tcp);
    const { mark, readAhead } = this.#options;
    const ahead = new Map(readAhead === undefined ? [] : [[readAhead, reply.text]]);
    await this.#options.onCall(new OutboundCall(reply.headers, gone, socket, ahead, mark));
    leaveInTime(tcp);
  }

  #introduction(socket: EventSocket, connected: Promise<Reply>): Promise<Reply> {
    const timer = setTimeout(
      () => socket.destroy(new ClosedError('no answer to connect within 5 s')),
      CONNECT_TIMEOUT_MS,
    );
    return connected.finally(() => clearTimeout(timer));
  }
}

/** Ends a connection that its peer does not end. */
function leaveInTime(tcp: Socket): void {
  if (tcp.destroyed) return;
  const timer = setTimeout(() => tcp.destroy(), LEAVE_TIMEOUT_MS);
  tcp.once('close', () => clearTimeout(timer));
}
