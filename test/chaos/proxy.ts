import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does to the bytes that pass. */
export interface Trouble {
  /** Each chunk comes this much later, in both directions. */
  readonly delayMs?: number;
  /** A new connection passes nothing for so long, as if TCP's handshake had taken it: loopback answers that at once. */
  readonly connectMs?: number;
  /** The share of chunks in which one byte is changed, in both directions. */
  readonly corrupt?: number;
  /** Nothing passes; connections stay open and what was sent waits. */
  readonly stall?: boolean;
  /** Connections are reset as soon as they are made. */
  readonly refuse?: boolean;
}

const NONE: Trouble = {};

/** One direction of one connection. Chunks keep their order whatever trouble they meet. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #trouble: () => Trouble;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #late: Buffer[] = [];
  #ended = false;

  constructor(from: Socket, to: Socket, trouble: () => Trouble) {
    this.#from = from;
    this.#to = to;
    this.#trouble = trouble;
    from.on('data', (chunk: Buffer) => this.#pass(chunk));
    from.on('end', () => {
      this.#ended = true;
      this.#finish();
    });
    to.on('drain', () => this.adapt());
  }

  /** Stops or goes on reading, as the trouble of the moment wants it. */
  adapt(): void {
    if (this.#trouble().stall || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #pass(chunk: Buffer): void {
    const { delayMs = 0, corrupt = 0 } = this.#trouble();
    const hit = corrupt > 0 && Math.random() < corrupt;
    const passed = hit ? withOneByteChanged(chunk) : chunk;
    if (delayMs === 0 && this.#late.length === 0) {
      this.#write(passed);
      return;
    }
    this.#late.push(passed);
    // Whichever timer is the first takes the oldest chunk: the order stays when the delay changes.
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const oldest = this.#late.shift();
      if (oldest) this.#write(oldest);
      this.#finish();
    }, delayMs);
    this.#timers.add(timer);
  }

  #write(chunk: Buffer): void {
    if (this.#to.writable && !this.#to.write(chunk)) this.#from.pause();
  }

  #finish(): void {
    if (this.#ended && this.#late.length === 0) this.#to.end();
  }
}

function withOneByteChanged(chunk: Buffer): Buffer {
  const changed = Buffer.from(chunk);
  const at = Math.floor(Math.random() * chunk.length);
  changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(Math.random() * 255));
  return changed;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  readonly flows: readonly [Flow, Flow];
}

/** Stands between a client and a server of ours and makes trouble on the wire. */
export class WireProxy {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #trouble: Trouble = NONE;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Leads from a port of its own to the port `target`, both on the loopback address. */
  static async start(target: number): Promise<WireProxy> {
    const proxy = new WireProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on, until `heal`. `refuse` resets what is open too. */
  trouble(trouble: Trouble): void {
    this.#trouble = trouble;
    if (trouble.refuse) this.reset();
    for (const { flows } of this.#pairs) for (const flow of flows) flow.adapt();
  }

  heal(): void {
    this.trouble(NONE);
  }

  /** Resets every connection there is, towards both sides. */
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
    if (this.#trouble.refuse) return void client.resetAndDestroy();
    client.setNoDelay(true);
    const upstream = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const trouble = () => this.#trouble;
    const flows = [new Flow(client, upstream, trouble), new Flow(upstream, client, trouble)] as const;
    const pair = { sockets: [client, upstream] as const, flows };
    this.#pairs.add(pair);
    const open = () => {
      for (const flow of flows) flow.adapt();
    };
    if (this.#trouble.connectMs === undefined) open();
    else {
      client.pause();
      setTimeout(open, this.#trouble.connectMs);
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
