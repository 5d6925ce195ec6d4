import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Headers of an event; a variable that is a list, e.g. originate_causes of two legs, is one here too. */
export type Event = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A header that is not a list. */
export function text(event: Event, name: string): string | undefined {
  const value = event[name];
  return typeof value === 'string' ? value : undefined;
}

/** The harness's own connection to the event socket: `api` commands and events as JSON. */
export class EventSocket {
  readonly #socket: Socket;
  readonly #replies: ((reply: string) => void)[] = [];
  readonly #onEvent: (event: Event) => void;
  readonly #closed: Promise<void>;
  #buffer = Buffer.alloc(0);

  private constructor(socket: Socket, onEvent: (event: Event) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.on('data', (chunk) => this.#read(chunk));
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const reply of this.#replies.splice(0)) reply('-ERR closed');
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
  }

  /** Logs in and asks for events by name. */
  static async open(
    at: { host: string; port: number; password: string },
    events: string,
    onEvent: (event: Event) => void,
  ): Promise<EventSocket> {
    const opened = await EventSocket.login(at, `auth ${at.password}`, onEvent);
    await opened.#must(`event json ${events}`);
    return opened;
  }

  /** Logs in with `auth` or `userauth`. */
  static async login(
    at: { host: string; port: number },
    command: string,
    onEvent: (event: Event) => void,
  ): Promise<EventSocket> {
    const socket = connect(at.port, at.host);
    await once(socket, 'connect');
    const opened = new EventSocket(socket, onEvent);
    await opened.#must(command);
    return opened;
  }

  async #must(command: string): Promise<void> {
    const reply = await this.send(command);
    if (reply.startsWith('+OK')) return;
    this.#socket.destroy();
    throw new Error(`event socket refused ${command.split(' ')[0]}: ${reply}`);
  }

  /** Sends a command; resolves with its Reply-Text, or with the body for `api`. */
  send(command: string): Promise<string> {
    return new Promise((resolve) => {
      this.#replies.push(resolve);
      this.#socket.write(`${command}\n\n`);
    });
  }

  api(command: string): Promise<string> {
    return this.send(`api ${command}`);
  }

  /** Resolves when either side has closed it and all that came has been read. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const end = this.#buffer.indexOf('\n\n');
      if (end < 0) return;
      const head = this.#buffer.toString('utf8', 0, end);
      const bodyStart = end + 2;
      const length = Number(/^Content-Length: (\d+)/m.exec(head)?.[1] ?? 0);
      if (this.#buffer.length < bodyStart + length) return;
      const body = this.#buffer.toString('utf8', bodyStart, bodyStart + length);
      this.#buffer = this.#buffer.subarray(bodyStart + length);
      this.#frame(head, body);
    }
  }

  #frame(head: string, body: string): void {
    const type = /^Content-Type: (\S+)/m.exec(head)?.[1];
    if (type === 'text/event-json') this.#onEvent(JSON.parse(body) as Event);
    else if (type === 'api/response') this.#replies.shift()?.(body);
    else if (type === 'command/reply') this.#replies.shift()?.(/^Reply-Text: (.*)/m.exec(head)?.[1] ?? '');
  }
}
