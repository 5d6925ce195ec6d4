import { createServer, type Server, type Socket } from 'node:net';
import type { CallRequest, SimulatedCall } from './call-record.ts';
import { type Clock, realClock, Timers } from './clock.ts';
import { CallThread } from './dialplan/call-thread.ts';
import { Listener } from './event-socket/listener.ts';
import { type Random, systemRandom } from './random.ts';
import { Core } from './switch/core.ts';
import { ORIGINS } from './switch/event-origins.ts';
import { parseCause } from './switch/hangup-cause.ts';
import type { EventSocketUser, Node } from './switch/node.ts';
import { Registrations } from './switch/registrations.ts';

const HEARTBEAT_MS = 20_000;
const EVERY_GATEWAY: Node['gateways'] = { has: () => true };

export interface SimulatedFreeSwitchOptions {
  /** The host and switch name. */
  readonly name: string;
  /** Of the event socket; ClueCon when absent. */
  readonly password?: string;
  readonly host?: string;
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /** The domain of users and calls that name none; 127.0.0.1 when absent. */
  readonly domain?: string;
  readonly users?: readonly EventSocketUser[];
  /** Knows every gateway that a dial string names. */
  readonly everyGateway?: boolean;
  /** The applications of the extension that a transfer leads to; without one the call ends. */
  readonly extension?: Node['extension'];
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * A FreeSWITCH node without SIP and media: it has the event socket both ways, dialplan applications, gateways and
 * registered users, and behaves as the recordings of a real one. Calls are placed with `call`.
 */
export class SimulatedFreeSwitch {
  readonly name: string;
  readonly host: string;
  readonly password: string;
  /** The gateways that a dial string can name. */
  readonly gateways = new Set<string>();
  /** API commands that expansions and hooks ran, `NAME(ARGUMENTS)`, without sofia_contact: what was smuggled in. */
  readonly ranApis: string[] = [];
  readonly #options: SimulatedFreeSwitchOptions;
  readonly #registrations: Registrations;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #sockets = new Set<Socket>();
  readonly #calls = new Map<CallThread, Promise<unknown>>();
  #node: Node;
  #server: Server | undefined;
  #port: number;

  private constructor(options: SimulatedFreeSwitchOptions) {
    this.#options = options;
    this.name = options.name;
    this.host = options.host ?? '127.0.0.1';
    this.password = options.password ?? 'ClueCon';
    this.#port = options.port ?? 0;
    this.#clock = options.clock ?? realClock;
    this.#timers = new Timers(this.#clock);
    this.#registrations = new Registrations(options.domain ?? '127.0.0.1');
    this.#node = this.#boot();
  }

  static async start(options: SimulatedFreeSwitchOptions): Promise<SimulatedFreeSwitch> {
    const node = new SimulatedFreeSwitch(options);
    await node.#listen();
    return node;
  }

  /** Of the event socket. */
  get port(): number {
    return this.#port;
  }

  /** How many channels, calling and called, there are now. */
  get channels(): number {
    return this.#node.core.channels.size;
  }

  /** Puts a user into the directory, registered from these contacts (`sip:1000@10.0.0.9:5060`), or from none. */
  registerUser(user: string, contacts: readonly string[], domain?: string): void {
    this.#registrations.register(user, contacts, domain);
  }

  /** A call comes in. */
  call(request: CallRequest): SimulatedCall {
    const thread = new CallThread(this.#node, request);
    const ended = thread.run().finally(() => this.#calls.delete(thread));
    this.#calls.set(thread, ended);
    const { channel } = thread.caller;
    return {
      uuid: channel.uuid,
      ended,
      hangup: (cause) => (cause === undefined ? thread.caller.hangUp() : channel.hangup(parseCause(cause))),
    };
  }

  /** Cuts every connection to the event socket, as a broken network does. */
  disconnectListeners(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Dies: calls and connections are gone without a word. */
  async crash(): Promise<void> {
    this.#node.core.die();
    for (const socket of this.#sockets) socket.destroy();
    await this.#close();
    await Promise.allSettled(this.#calls.values());
  }

  /** Dies and comes back on the same port: calls and connections are gone without a word, events begin anew. */
  async restart(): Promise<void> {
    await this.crash();
    this.#node = this.#boot();
    await this.#listen();
  }

  /** Hangs up all calls, says goodbye to all connections, and ends. */
  async stop(): Promise<void> {
    for (const channel of [...this.#node.core.channels.values()]) channel.hangup('SYSTEM_SHUTDOWN');
    await Promise.allSettled(this.#calls.values());
    for (const receiver of [...this.#node.core.receivers]) receiver.close();
    await this.#close();
  }

  #boot(): Node {
    const core = new Core({
      name: this.name,
      domain: this.#options.domain ?? '127.0.0.1',
      clock: this.#clock,
      random: this.#options.random ?? systemRandom,
    });
    return {
      core,
      gateways: this.#options.everyGateway ? EVERY_GATEWAY : this.gateways,
      profiles: new Set(['internal', 'external']),
      registrations: this.#registrations,
      password: this.password,
      users: this.#options.users ?? [],
      ranApis: this.ranApis,
      extension: this.#options.extension ?? (() => undefined),
    };
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      new Listener(this.#node, socket);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.host, resolve);
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#scheduleHeartbeat();
  }

  async #close(): Promise<void> {
    this.#timers.clear();
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of this.#sockets) socket.writableNeedDrain ? socket.destroy() : socket.destroySoon();
    });
  }

  #scheduleHeartbeat(): void {
    this.#timers.after(HEARTBEAT_MS, () => {
      const { core } = this.#node;
      core.fire('HEARTBEAT', ORIGINS.HEARTBEAT, () => [
        ['Event-Info', 'System Ready'],
        ['Session-Count', String(core.channels.size)],
        ['Max-Sessions', '10000'],
        ['Uptime-msec', String(Math.floor(core.clock.now() - core.startedAt))],
        ['Heartbeat-Interval', String(HEARTBEAT_MS / 1000)],
      ]);
      this.#scheduleHeartbeat();
    });
  }
}
