import type { Socket } from 'node:net';
import { Timers } from '#libs/simulator/clock.ts';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import type { EventReceiver } from '#libs/simulator/switch/core.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import type { SwitchEvent } from '#libs/simulator/switch/switch-event.ts';
import { type Command, CommandReader } from './command-reader.ts';
import { runCommand } from './commands.ts';
import { Subscription } from './subscription.ts';

const FIRST_COMMAND_MS = 25_000;
const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';
const MAX_QUEUED_EVENTS = 100_000;
const MAX_LOST_EVENTS = 500;
const REPLY_BYTES = 511;

/** What a command is answered with: a reply, bytes of its own, or nothing. */
export type Answer = { readonly reply: string } | { readonly bytes: string } | undefined;

/** The call that an outbound connection steers. */
export interface Session {
  readonly thread: CallThread;
  /** With `full` the connection may do all that an inbound one may. */
  readonly full: boolean;
}

/** One connection of the event socket, in either direction: commands in, replies and events out. */
export class Listener implements EventReceiver {
  readonly node: Node;
  readonly session: Session | undefined;
  readonly subscription = new Subscription();
  authenticated: boolean;
  /** esl-allowed-api of the user logged in; undefined without a limit. */
  allowedApi: ReadonlySet<string> | undefined;
  readonly #socket: Socket;
  readonly #reader = new CommandReader();
  readonly #commands: Command[] = [];
  readonly #queue: SwitchEvent[] = [];
  readonly #timers: Timers;
  #first = true;
  #busy = false;
  #running = true;
  #lost = 0;
  #finished: () => void = () => {};
  /** Settles when the connection is over. */
  readonly finished: Promise<void>;

  constructor(node: Node, socket: Socket, session?: Session) {
    this.node = node;
    this.session = session;
    this.authenticated = session !== undefined;
    this.#socket = socket;
    this.#timers = new Timers(node.core.clock);
    this.finished = new Promise((resolve) => {
      this.#finished = resolve;
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('drain', () => this.#flush());
    socket.on('end', () => this.#clientLeft());
    socket.on('close', () => this.#clientLeft());
    socket.on('error', () => this.#clientLeft());
    this.#timers.after(FIRST_COMMAND_MS, () => {
      if (this.#first) this.#end(GOODBYE);
    });
    session?.thread.caller.channel.onBreak(() => {
      if (!this.#busy) this.#end(GOODBYE);
    });
    node.core.receivers.add(this);
    if (session === undefined) this.#write('Content-Type: auth/request\n\n');
  }

  wants(name: string): boolean {
    return this.authenticated && this.#running && this.subscription.wants(name);
  }

  receive(event: SwitchEvent): void {
    if (!this.subscription.passes(event)) return;
    if (this.#queue.length === 0 && !this.#socket.writableNeedDrain) {
      this.#write(event.frame(this.subscription.format));
    } else if (this.#queue.length < MAX_QUEUED_EVENTS) {
      this.#lost = 0;
      this.#queue.push(event);
    } else if (++this.#lost > MAX_LOST_EVENTS) {
      this.#end('killed listener because of lost events\n');
    }
  }

  /** Ends the connection once the command that runs has been answered. */
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
    if (!this.#busy) void this.#runCommands();
  }

  async #runCommands(): Promise<void> {
    this.#busy = true;
    for (let command = this.#commands.shift(); command !== undefined; command = this.#commands.shift()) {
      const first = this.#first;
      this.#first = false;
      const answer = await runCommand(this, command);
      // FreeSWITCH does not answer the first command of an outbound connection, unless it is `connect`.
      if (answer !== undefined && 'bytes' in answer) this.#write(answer.bytes);
      else if (answer !== undefined && !(first && this.session !== undefined))
        this.#write(reply(answer.reply));
      if (!this.#running || this.session?.thread.caller.channel.ready === false) {
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
      for (const event of this.#queue.splice(0, 64)) this.#write(event.frame(this.subscription.format));
    }
  }

  #clientLeft(): void {
    if (!this.#busy) this.#end(GOODBYE);
    else this.#running = false;
  }

  #end(message: string): void {
    if (!this.#leave()) return;
    const uuid = this.session?.thread.caller.channel.uuid;
    const control =
      uuid === undefined ? '' : `Controlled-Session-UUID: ${uuid}\nContent-Disposition: disconnect\n`;
    this.#write(
      `Content-Type: text/disconnect-notice\n${control}Content-Length: ${message.length}\n\n${message}`,
    );
    this.#socket.destroySoon();
  }

  /** False when it was over already. */
  #leave(): boolean {
    const member = this.node.core.receivers.delete(this);
    this.#running = false;
    this.#timers.clear();
    this.#queue.length = 0;
    this.#commands.length = 0;
    this.#finished();
    return member;
  }
}

/** Replies are cut to the 511 bytes that fit into FreeSWITCH's buffer; a tilde means that the reply is all headers. */
function reply(text: string): Buffer {
  const cut = Buffer.from(text).subarray(0, REPLY_BYTES);
  if (text.startsWith('~'))
    return Buffer.concat([Buffer.from('Content-Type: command/reply\n'), cut.subarray(1)]);
  return Buffer.concat([Buffer.from('Content-Type: command/reply\nReply-Text: '), cut, Buffer.from('\n\n')]);
}
