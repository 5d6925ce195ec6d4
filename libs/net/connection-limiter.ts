export interface ConnectionLimits {
  /** Connections at once. */
  readonly max: number;
  /** Connections at once from one address. */
  readonly maxPerAddress: number;
  /** All connections together may send `max` times as many bytes. */
  readonly bytesPerConnection: number;
}

interface Usage {
  readonly address: string;
  bytes: number;
}

/**
 * Bounds the connections of a port and the bytes that they send. A connection is unidentified until `identify` is
 * called. At the limit, the oldest unidentified connection is evicted, from the same address when the address is at its
 * limit; without one the new connection is refused. When all connections together send too much, the one that sent the
 * most is evicted. So a flood evicts its own connections first, and identified ones keep working.
 *
 * The limiter only counts: the caller closes what it returns. `T` is the connection.
 */
export class ConnectionLimiter<T> {
  readonly #limits: ConnectionLimits;
  readonly #usage = new Map<T, Usage>();
  readonly #byAddress = new Map<string, number>();
  /** Oldest first. */
  readonly #unidentified = new Set<T>();
  #bytes = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#usage.size;
  }

  /** Counts a new connection. Returns the connection to close, if any: an evicted one, or the new one when refused. */
  admit(connection: T, address: string): T | undefined {
    const atAddressLimit = (this.#byAddress.get(address) ?? 0) >= this.#limits.maxPerAddress;
    let evicted: T | undefined;
    if (atAddressLimit || this.#usage.size >= this.#limits.max) {
      evicted = this.#oldestUnidentified(atAddressLimit ? address : undefined);
      if (evicted === undefined) return connection;
      this.release(evicted);
    }
    this.#usage.set(connection, { address, bytes: 0 });
    this.#unidentified.add(connection);
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    return evicted;
  }

  /** The connection has shown that it speaks the protocol: it is not evicted for a new one. */
  identify(connection: T): void {
    this.#unidentified.delete(connection);
  }

  /** Records how many bytes the connection has sent so far. Returns the connection to close, if any. */
  recordBytes(connection: T, bytes: number): T | undefined {
    const usage = this.#usage.get(connection);
    if (!usage) return undefined;
    this.#bytes += bytes - usage.bytes;
    usage.bytes = bytes;
    if (this.#bytes <= this.#limits.max * this.#limits.bytesPerConnection) return undefined;
    const [heaviest] = [...this.#usage].reduce((most, next) => (next[1].bytes > most[1].bytes ? next : most));
    this.release(heaviest);
    return heaviest;
  }

  release(connection: T): void {
    const usage = this.#usage.get(connection);
    if (!usage) return;
    const { address, bytes } = usage;
    const others = (this.#byAddress.get(address) ?? 0) - 1;
    if (others > 0) this.#byAddress.set(address, others);
    else this.#byAddress.delete(address);
    this.#bytes -= bytes;
    this.#unidentified.delete(connection);
    this.#usage.delete(connection);
  }

  #oldestUnidentified(address: string | undefined): T | undefined {
    for (const connection of this.#unidentified)
      if (address === undefined || this.#usage.get(connection)?.address === address) return connection;
    return undefined;
  }
}
