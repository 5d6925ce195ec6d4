import type { Socket } from 'node:net';
import { Timers } from '#libs/simulator/clock.ts';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import type { EventReceiver } from '#libs/simulator/switch/core.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import type { SwitchEvent } from '#libs/simulator/switch/switch-event.ts';
import { type Command, CommandReader } from './command-reader.ts';
import { type Connection, runCommand } from './commands.ts';
import { Subscription } from './subscription.ts';

const FIRST_COMMAND_MS = 25_000;
const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';
const MAX_QUEUED_EVENTS = 100_000;
const REPLY_BYTES = 511;

/** A fault of the simulator ends the process. */
const crash = (fault: unknown) =>
  setImmediate(() => {
    throw fault;
  });

/** One connection of the event socket, inbound or outbound: reads commands, sends replies and events. */
export class Listener implements EventReceiver, Connection {
  readonly node: Node;
  readonly thread: CallThread | undefined;
  readonly subscription = new Subscription();
  authenticated: boolean;
  allowedApi: ReadonlySet<string> | undefined;
  /** Resolves when the connection has ended. */
  readonly finished: Promise<void>;
  readonly #socket: Socket;
  readonly #reader = new CommandReader();
  readonly #commands: Command[] = [];
  /** Events that wait until the socket has drained. */
  readonly #queue: SwitchEvent[] = [];
  readonly #timers: Timers;
  #first = true;
  #busy = false;
  #running = true;
  #finish: () => void = () => {};

  /** With `thread` it is the outbound connection that controls this call. */
  constructor(node: Node, socket: Socket, thread?: CallThread) {
    this.node = node;
    this.thread = thread;
    this.authenticated = thread !== undefined;
    this.#socket = socket;
    this.#timers = new Timers(node.core.clock);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('drain', () => this.#flush());
    for (const event of ['end', 'close', 'error']) socket.on(event, () => this.#clientLeft());
    this.#timers.after(FIRST_COMMAND_MS, () => {
      if (this.#first) this.#end(GOODBYE);
    });
    thread?.leg.channel.onBreak(() => {
      if (!this.#busy) this.#end(GOODBYE);
    });
    node.core.receivers.add(this);
    if (thread === undefined) this.#write('Content-Type: auth/request\n\n');
  }

  wants(name: string): boolean {
    return this.authenticated && this.#running && this.subscription.wants(name);
  }

  /** A connection that reads too slowly is closed when its queue is full. */
  receive(event: SwitchEvent): void {
    if (!this.subscription.passes(event)) return;
    if (this.#queue.length === 0 && !this.#socket.writableNeedDrain) this.#write(event.frame);
    else if (this.#queue.length < MAX_QUEUED_EVENTS) this.#queue.push(event);
    else this.#end('killed listener because of lost events\n');
  }

  stopRunning(): void {
    this.#running = false;
  }

  close(): void {
    this.#end(GOODBYE);
  }

  destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.#commands.push(...this.#reader.push(chunk));
    if (!this.#busy) this.#runCommands().catch(crash);
  }

  async #runCommands(): Promise<void> {
    this.#busy = true;
    for (let command = this.#commands.shift(); command !== undefined; command = this.#commands.shift()) {
      const first = this.#first;
      this.#first = false;
      const response = await runCommand(this, command);
      // FreeSWITCH does not answer the first command of an outbound connection, unless it is `connect`.
      if ('frame' in response) this.#write(response.frame);
      else if (!first || this.thread === undefined) this.#write(reply(response.reply));
      if (!this.#running || this.thread?.leg.channel.ready === false) {
        this.#end(GOODBYE);
        break;
      }
    }
    this.#busy = false;
  }

  #write(bytes: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #flush(): void {
    while (this.#queue.length > 0 && !this.#socket.writableNeedDrain) {
      for (const event of this.#queue.splice(0, 64)) this.#write(event.frame);
    }
  }

  #clientLeft(): void {
    if (this.#busy) this.#running = false;
    else this.#end(GOODBYE);
  }

  #end(message: string): void {
    if (!this.#leave()) return;
    const uuid = this.thread?.leg.channel.uuid;
    const control =
      uuid === undefined ? '' : `Controlled-Session-UUID: ${uuid}\nContent-Disposition: disconnect\n`;
    this.#write(
      `Content-Type: text/disconnect-notice\n${control}Content-Length: ${message.length}\n\n${message}`,
    );
    this.#socket.destroySoon();
  }

  /** False if the connection has ended already. */
  #leave(): boolean {
    const member = this.node.core.receivers.delete(this);
    this.#running = false;
    this.#timers.clear();
    this.#queue.length = 0;
    this.#commands.length = 0;
    this.#finish();
    return member;
  }
}

/** Replies are cut to the 511 bytes of FreeSWITCH's buffer. A leading tilde means that the reply consists of headers. */
function reply(text: string): Buffer {
  const cut = Buffer.from(text).subarray(0, REPLY_BYTES);
  if (text.startsWith('~'))
    return Buffer.concat([Buffer.from('Content-Type: command/reply\n'), cut.subarray(1)]);
  return Buffer.concat([Buffer.from('Content-Type: command/reply\nReply-Text: '), cut, Buffer.from('\n\n')]);
}
