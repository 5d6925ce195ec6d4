import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does to the bytes that it forwards. */
export interface Impairment {
  /** Delay of each chunk in ms, in both directions. */
  readonly delayMs?: number;
  /** Time in ms before a new connection forwards anything, like a slow TCP handshake, which loopback cannot have. */
  readonly connectMs?: number;
  /** Share of chunks in which one byte is changed, 0 to 1, in both directions. */
  readonly corrupt?: number;
  /** The byte to change: the last of the chunk, which belongs to no length, instead of any. */
  readonly corruptLast?: boolean;
  /** Forward nothing. Connections stay open and data waits. */
  readonly stall?: boolean;
  /** Reset every connection, open and new. */
  readonly refuse?: boolean;
}

const NONE: Impairment = {};
const LOOPBACK = '127.0.0.1';

/** One direction of one connection. Chunks keep their order under every impairment. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #impairment: () => Impairment;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #delayed: Buffer[] = [];
  #ended = false;

  constructor(from: Socket, to: Socket, impairment: () => Impairment) {
    this.#from = from;
    this.#to = to;
    this.#impairment = impairment;
    from.on('data', (chunk: Buffer) => this.#pass(chunk));
    from.on('end', () => {
      this.#ended = true;
      this.#finish();
    });
    to.on('drain', () => this.adapt());
  }

  /** Pauses or resumes reading according to the current impairment. */
  adapt(): void {
    if (this.#impairment().stall || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #pass(chunk: Buffer): void {
    const { delayMs = 0, corrupt = 0, corruptLast } = this.#impairment();
    const hit = corrupt > 0 && Math.random() < corrupt;
    const at = corruptLast ? chunk.length - 1 : Math.floor(Math.random() * chunk.length);
    const passed = hit ? withByteChanged(chunk, at) : chunk;
    if (delayMs === 0 && this.#delayed.length === 0) {
      this.#write(passed);
      return;
    }
    this.#delayed.push(passed);
    // The first timer to fire takes the oldest chunk, so the order is kept when the delay changes.
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const oldest = this.#delayed.shift();
      if (oldest) this.#write(oldest);
      this.#finish();
    }, delayMs);
    this.#timers.add(timer);
  }

  #write(chunk: Buffer): void {
    if (this.#to.writable && !this.#to.write(chunk)) this.#from.pause();
  }

  #finish(): void {
    if (this.#ended && this.#delayed.length === 0) this.#to.end();
  }
}

function withByteChanged(chunk: Buffer, at: number): Buffer {
  const changed = Buffer.from(chunk);
  changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(Math.random() * 255));
  return changed;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  readonly flows: readonly [Flow, Flow];
}

/** A TCP proxy between a client and a server that impairs the connection. */
export class WireProxy {
  readonly #target: number;
  readonly #targetHost: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #impairment: Impairment = NONE;

  private constructor(target: number, targetHost: string) {
    this.#target = target;
    this.#targetHost = targetHost;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Forwards a free port of `host` to the port `target` of `targetHost`. */
  static async start(target: number, host = LOOPBACK, targetHost = LOOPBACK): Promise<WireProxy> {
    const proxy = new WireProxy(target, targetHost);
    proxy.#server.listen(0, host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Impairs all connections until `heal`. */
  impair(impairment: Impairment): void {
    this.#impairment = impairment;
    if (impairment.refuse) this.reset();
    for (const { flows } of this.#pairs) for (const flow of flows) flow.adapt();
  }

  heal(): void {
    this.impair(NONE);
  }

  /** Resets every open connection on both sides. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#drop(pair);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    client.on('error', () => {});
    if (this.#impairment.refuse) return void client.resetAndDestroy();
    client.setNoDelay(true);
    const upstream = connect({
      port: this.#target,
      host: this.#targetHost,
      allowHalfOpen: true,
      noDelay: true,
    });
    const impairment = () => this.#impairment;
    const flows = [new Flow(client, upstream, impairment), new Flow(upstream, client, impairment)] as const;
    const pair = { sockets: [client, upstream] as const, flows };
    this.#pairs.add(pair);
    const open = () => {
      for (const flow of flows) flow.adapt();
    };
    if (this.#impairment.connectMs === undefined) open();
    else {
      client.pause();
      setTimeout(open, this.#impairment.connectMs);
    }
    upstream.on('error', () => this.#drop(pair));
    for (const socket of pair.sockets) socket.on('close', (faulty) => this.#closed(pair, faulty));
  }

  #closed(pair: Pair, faulty: boolean): void {
    if (faulty || pair.sockets.every(({ destroyed }) => destroyed)) this.#drop(pair);
  }

  #drop(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    for (const flow of pair.flows) flow.close();
    for (const socket of pair.sockets) if (!socket.destroyed) socket.resetAndDestroy();
  }
}
