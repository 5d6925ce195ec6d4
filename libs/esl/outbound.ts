import type { Socket } from 'node:net';
import { ConnectionLimiter } from '#libs/net/connection-limiter.ts';
import { type Answer, ClosedError, EventSocket, type PeerLimits } from './event-socket.ts';
import type { Headers } from './frames.ts';
import { Listener } from './listener.ts';
import { type Application, OutboundCall } from './outbound-call.ts';

/** FreeSWITCH answers `connect` within a millisecond. A peer that takes this long is not FreeSWITCH. */
const CONNECT_TIMEOUT_MS = 5_000;

const MAX_CHANNEL_DATA_BYTES = 128 * 1024;

/** FreeSWITCH sends the data of one channel, about 10 kB, and short replies, and it answers at once. */
const limits = (headerBytes: number): PeerLimits => ({
  frames: { headerBytes, headerSetting: 'MAX_CHANNEL_DATA_BYTES', bodyBytes: 16 * 1024 },
  replyMs: 10_000,
});
const BYTES_PER_CONNECTION = 32 * 1024;

/** FreeSWITCH closes the connection as soon as the call is released. */
const CLOSE_TIMEOUT_MS = 5_000;

const CLOSED_SILENTLY =
  'closed by the peer before it sent anything, as a check of the port does (dialhook doctor, a load balancer)';

/** The reason of `gone`. One object for all calls: creating one per call would capture a stack each time. */
const GONE = new ClosedError('the caller hung up, or the connection was lost');

export interface OutboundServerOptions {
  readonly host: string;
  readonly port: number;
  /**
   * The application that tags a channel, from its data; undefined for none. Runs when the call is tagged, at the latest
   * when it is released.
   */
  readonly tag?: (data: Headers) => Application | undefined;
  /** Why a call cannot be processed, from its channel data: the connection is refused. Default: every call can. */
  readonly defectOf?: (data: Headers) => string | undefined;
  /** A variable that is read together with the channel data, without an additional round trip. */
  readonly readAhead?: string;
  /** Whether to accept a connection from this address. Default: every address. */
  readonly admits?: (address: string) => boolean;
  /** Connections at once. Default: no limit. */
  readonly maxConnections?: number;
  /** Connections at once from one address. Default: `maxConnections`. */
  readonly maxConnectionsPerAddress?: number;
  /** Size of the channel data of one call. Default: 128 KiB. */
  readonly maxChannelDataBytes?: number;
  /** A connection was refused, ended before it was a call, or was closed to make room for another one. */
  readonly onRefused: (address: string, reason: string) => void;
  readonly onCall: (call: OutboundCall) => Promise<void>;
  /** The listener failed, or `onCall` threw for the channel with this uuid. */
  readonly onError: (error: Error, uuid?: string) => void;
}

/** The connection was closed, and the reason reported. */
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
  readonly #limits: PeerLimits;

  private constructor(options: OutboundServerOptions) {
    const { maxConnections: max = Number.MAX_SAFE_INTEGER, maxConnectionsPerAddress: maxPerAddress = max } =
      options;
    this.#options = options;
    this.#limiter = new ConnectionLimiter({ max, maxPerAddress, bytesPerConnection: BYTES_PER_CONNECTION });
    this.#limits = limits(options.maxChannelDataBytes ?? MAX_CHANNEL_DATA_BYTES);
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
      this.#limits,
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
    if (evicted) this.#evict(evicted, address, this.#tooMany());
    if (evicted === tcp) return false;
    tcp.on('data', () => {
      const heaviest = this.#limiter.recordBytes(tcp, tcp.bytesRead);
      if (heaviest)
        this.#evict(
          heaviest,
          heaviest.remoteAddress ?? '',
          `the connections sent more than ${BYTES_PER_CONNECTION} bytes each on average (MAX_SOCKET_CONNECTIONS), this one the most`,
        );
    });
    return true;
  }

  #tooMany(): string {
    const { maxConnections: max, maxConnectionsPerAddress: perAddress = max } = this.#options;
    return `more than ${max} connections (MAX_SOCKET_CONNECTIONS), or ${perAddress} of one address (MAX_SOCKET_CONNECTIONS_PER_ADDRESS)`;
  }

  #evict(tcp: Socket, address: string, reason: string): void {
    this.#options.onRefused(address, reason);
    tcp.destroy(new EvictedError(reason));
  }

  async #serve(
    tcp: Socket,
    socket: EventSocket,
    connected: Promise<Answer>,
    gone: AbortSignal,
  ): Promise<void> {
    const address = tcp.remoteAddress ?? '';
    const reply = await this.#awaitConnect(tcp, connected).catch((error: Error) => {
      socket.destroy();
      const reason = error.cause instanceof Error ? error.cause : error;
      if (reason instanceof EvictedError) return;
      this.#options.onRefused(address, tcp.bytesRead === 0 ? CLOSED_SILENTLY : reason.message);
    });
    if (!reply) return;
    const { tag, readAhead, defectOf } = this.#options;
    const defect = defectOf?.(reply.headers);
    if (defect !== undefined) {
      socket.destroy();
      this.#options.onRefused(address, defect);
      return;
    }
    this.#limiter.identify(tcp);
    const values = new Map(readAhead === undefined ? [] : [[readAhead, reply.values.at(-1) ?? '']]);
    try {
      await this.#options.onCall(new OutboundCall(reply, gone, socket, values, tag));
    } catch (error) {
      socket.destroy();
      this.#options.onError(error as Error, reply.headers['Unique-ID']);
      return;
    }
    closeInTime(tcp);
  }

  #awaitConnect(tcp: Socket, connected: Promise<Answer>): Promise<Answer> {
    const timer = setTimeout(
      () => this.#evict(tcp, tcp.remoteAddress ?? '', 'no reply to connect within 5 s'),
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
