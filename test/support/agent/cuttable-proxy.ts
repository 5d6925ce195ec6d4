import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that a test can close, or make drop all data silently. */
export class CuttableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #shut = false;
  #silent = false;
  /** Connections accepted while open. */
  connections = 0;

  private constructor(target: number) {
    this.#server = createServer((from) => {
      if (this.#shut) return void from.destroy();
      this.connections++;
      const to = connect(target, '127.0.0.1');
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('data', (data) => {
          if (!this.#silent) other.write(data);
        });
        one.on('close', () => {
          this.#sockets.delete(one);
          if (!this.#silent) other.destroy();
        });
      }
    });
  }

  static async to(target: number): Promise<CuttableProxy> {
    const gate = new CuttableProxy(target);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes all connections and refuses new ones. */
  shut(): void {
    this.#shut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Closes new connections at once and keeps the others. */
  refuse(): void {
    this.#shut = true;
  }

  open(): void {
    this.#shut = false;
  }

  /** Keeps connections open but forwards nothing. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** Forwards data of new connections again. */
  speak(): void {
    this.#silent = false;
  }

  async close(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
