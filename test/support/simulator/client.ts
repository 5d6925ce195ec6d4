import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { type EventHeaders, eventOf, type Frame, isEvent, parseFrames } from './frames.ts';

/** A client of the event socket that keeps all frames received, and lets a test wait for more. */
export class Client {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  #rest: Buffer = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      const { frames, rest } = parseFrames(Buffer.concat([this.#rest, chunk]));
      this.frames.push(...frames);
      this.#rest = rest;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<Client> {
    const socket = createConnection(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket);
  }

  /** Connects and logs in. */
  static async logIn(port: number, ...commands: readonly string[]): Promise<Client> {
    const client = await Client.connect(port);
    await client.frame(0);
    for (const command of ['auth ClueCon', ...commands]) await client.command(command);
    return client;
  }

  get events(): readonly EventHeaders[] {
    return this.frames.filter(isEvent).map(eventOf);
  }

  get replies(): readonly string[] {
    return this.frames.map(({ headers }) => headers.get('Reply-Text')).filter((text) => text !== undefined);
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** Sends a command and returns the frame that answers it. */
  async command(line: string): Promise<Frame> {
    const before = this.frames.filter((frame) => !isEvent(frame)).length;
    this.send(`${line}\n\n`);
    await this.until(() => this.frames.filter((frame) => !isEvent(frame)).length > before);
    const answer = this.frames.filter((frame) => !isEvent(frame))[before];
    if (answer === undefined) throw new Error(`${line} was not answered`);
    return answer;
  }

  async reply(line: string): Promise<string> {
    return (await this.command(line)).headers.get('Reply-Text') ?? '';
  }

  async frame(index: number): Promise<Frame> {
    await this.until(() => this.frames.length > index);
    const frame = this.frames[index];
    if (frame === undefined) throw new Error('the connection closed');
    return frame;
  }

  /** Resolves when the condition holds, or when the connection is closed. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !this.closed) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.closed);
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}

/** The server side of the socket application: passes each call's connection to `serve`. */
export class FakeAgent {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(serve: (client: Client) => unknown): Promise<FakeAgent> {
    const server = createServer();
    const agent = new FakeAgent(server);
    server.on('connection', (socket) => {
      agent.#sockets.add(socket);
      serve(new Client(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return agent;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
