import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { encodeHeader } from '#libs/esl/text.ts';

export const OK = 'Content-Type: command/reply\nReply-Text: +OK\n\n';
export const reply = (text: string) => `Content-Type: command/reply\nReply-Text: ${text}\n\n`;
export const withBody = (type: string, body: string | Buffer) =>
  Buffer.concat([
    Buffer.from(`Content-Type: ${type}\nContent-Length: ${Buffer.byteLength(body)}\n\n`),
    Buffer.from(body),
  ]);
export const eventFrame = (event: unknown) => withBody('text/event-json', JSON.stringify(event));
export const channelData = (headers: Record<string, string>) =>
  Object.entries({
    'Event-Name': 'CHANNEL_DATA',
    ...headers,
    'Content-Type': 'command/reply',
    'Reply-Text': '+OK\n',
    'Socket-Mode': 'static',
  })
    .map(([name, value]) => `${name}: ${encodeHeader(Buffer.from(value).toString('latin1'))}\n`)
    .join('')
    .concat('\n');

/** Splits what an agent writes into commands. A body is one line, and an empty line follows it. */
function takeCommands(text: string): { readonly commands: string[]; readonly rest: string } {
  const parts = text.split('\n\n');
  let rest = parts.pop() ?? '';
  const commands: string[] = [];
  for (let at = 0; at < parts.length; at++) {
    const head = parts[at] ?? '';
    const length = /^content-length: (\d+)$/m.exec(head)?.[1];
    const body = parts[at + 1];
    if (length === undefined) commands.push(head);
    else if (body === undefined) rest = `${head}\n\n${rest}`;
    else {
      if (Buffer.byteLength(body) !== Number(length)) throw new Error(`content-length ${length} of ${body}`);
      commands.push(`${head}\n\n${body}`);
      at++;
    }
  }
  return { commands, rest };
}

/** FreeSWITCH's end of an event socket connection: reads commands and sends what the test wants. */
export class Peer {
  readonly socket: Socket;
  /** All commands so far, without the empty line at the end. A body follows the empty line after its headers. */
  readonly commands: string[] = [];
  readonly closed: Promise<void>;
  #unfinished = '';
  #taken = 0;
  #wake = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (text: unknown) => this.#read(String(text)));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.once('close', () => {
      resolve();
      this.#wake.resolve();
    });
  }

  /** Connects to an agent, as the `socket` application does. */
  static async dial(port: number): Promise<Peer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Peer(socket);
  }

  /** Received bytes without a final empty line. */
  get unfinished(): string {
    return this.#unfinished;
  }

  /** The next command. Rejects when the connection ends first. */
  async command(): Promise<string> {
    for (;;) {
      const next = this.commands[this.#taken];
      if (next !== undefined) {
        this.#taken++;
        return next;
      }
      if (this.socket.destroyed) throw new Error('the connection ended before a command came');
      await this.#wake.promise;
    }
  }

  write(...frames: (string | Buffer)[]): void {
    for (const frame of frames) this.socket.write(frame);
  }

  /** Sends one reply for each of the next commands. */
  async answer(...frames: (string | Buffer)[]): Promise<string[]> {
    const taken: string[] = [];
    for (const frame of frames) {
      taken.push(await this.command());
      this.write(frame);
    }
    return taken;
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  #read(text: string): void {
    const { commands, rest } = takeCommands(this.#unfinished + text);
    this.#unfinished = rest;
    this.commands.push(...commands);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** An event socket port for agents; each connection is a Peer. */
export class PeerServer {
  readonly #server: Server;
  readonly #peers: Peer[] = [];
  port = 0;
  #taken = 0;
  #wake = Promise.withResolvers<void>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#peers.push(new Peer(socket));
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  static async listen(port = 0): Promise<PeerServer> {
    const server = new PeerServer();
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    server.port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  get connections(): number {
    return this.#peers.length;
  }

  /** The next connection. */
  async peer(): Promise<Peer> {
    for (;;) {
      const next = this.#peers[this.#taken];
      if (next) {
        this.#taken++;
        return next;
      }
      await this.#wake.promise;
    }
  }

  async close(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
