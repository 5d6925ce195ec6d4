import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a port that a test can cut, shut and stop from passing anything on. */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #shut = false;
  #silent = false;
  /** Connections that came while it was open. */
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

  static async to(target: number): Promise<Gate> {
    const gate = new Gate(target);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts what is connected and lets nothing in. */
  shut(): void {
    this.#shut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#shut = false;
  }

  /** What is connected stays so, and nothing passes any more. */
  fallSilent(): void {
    this.#silent = true;
  }

  /** Passes on again what comes by new connections. */
  speak(): void {
    this.#silent = false;
  }

  async close(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
