import { createServer, type Server, type Socket } from 'node:net';
import { APPLICATIONS } from './applications.ts';
import type { SimulatedCall } from './call-record.ts';
import type { CallScript } from './call-script.ts';
import { type Clock, realClock, Timers } from './clock.ts';
import { Call } from './dialplan/call.ts';
import { Listener } from './event-socket/listener.ts';
import type { Party } from './switch/channel.ts';
import { Core } from './switch/core.ts';
import { parseCause } from './switch/hangup-cause.ts';
import type { EventSocketUser, Node } from './switch/node.ts';
import { Registrations } from './switch/registrations.ts';
import { type RecoveredCall, recoverCall, type TrackedCall, trackedCalls } from './transfer/recover.ts';

const HEARTBEAT_MS = 20_000;
const EVERY_GATEWAY: Node['gateways'] = { has: () => true };

export interface SimulatedFreeSwitchOptions {
  /** The host name and switch name. */
  readonly name: string;
  /** The event socket's password; ClueCon by default. */
  readonly password?: string;
  readonly host?: string;
  /** The event socket's port; 0, the default, takes a free one. */
  readonly port?: number;
  /** The domain of users and calls without one; 127.0.0.1 by default. */
  readonly domain?: string;
  readonly users?: readonly EventSocketUser[];
  /** Accept every gateway name; otherwise only those in `gateways`. */
  readonly everyGateway?: boolean;
  /**
   * The extensions of contexts other than `default`, for transfers: applications, `NAME DATA` each. Without an
   * extension the call ends. A transfer into `default` runs the call's own dialplan again.
   */
  readonly extension?: Node['extension'];
  readonly clock?: Clock;
}

/**
 * A simulated FreeSWITCH without sockets for SIP and without media: event socket (inbound and outbound), dialplan
 * applications, gateways and registered users. It behaves as test/support/recordings and as test/e2e/simulator compares.
 * Calls are placed with `call`, and their parties moved with `phone`.
 */
export class SimulatedFreeSwitch {
  readonly name: string;
  readonly host: string;
  readonly password: string;
  /** The gateways that a dial string may use. */
  readonly gateways = new Set<string>();
  /** API commands that expansions and hooks ran, `NAME(ARGUMENTS)`, without sofia_contact and regex: a test for injection. */
  readonly ranApis: string[] = [];
  readonly #options: SimulatedFreeSwitchOptions;
  readonly #registrations: Registrations;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #sockets = new Set<Socket>();
  readonly #calls = new Map<Call, Promise<unknown>>();
  /** The calls of the process that crashed, until they are recovered. */
  #tracked: readonly TrackedCall[] = [];
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
    this.#node = this.#configure();
  }

  static async start(options: SimulatedFreeSwitchOptions): Promise<SimulatedFreeSwitch> {
    const node = new SimulatedFreeSwitch(options);
    await node.#listen();
    return node;
  }

  /** The event socket's port. */
  get port(): number {
    return this.#port;
  }

  /** The number of channels: caller legs and called legs. */
  get channels(): number {
    return this.#node.core.channels.size;
  }

  /** Adds a user to the directory, registered with these contacts (`sip:1000@10.0.0.9:5060`), or with none. */
  registerUser(user: string, contacts: readonly string[], domain?: string): void {
    this.#registrations.register(user, contacts, domain);
  }

  /** Places a call. */
  call(script: CallScript): SimulatedCall {
    const call = new Call(this.#node, script, APPLICATIONS);
    const { caller } = call;
    const ended = call.run().finally(() => this.#calls.delete(call));
    this.#calls.set(call, ended);
    return {
      uuid: caller.channel.uuid,
      invites: call.invites,
      statuses: caller.statuses,
      ended,
      hangup: (cause) => (cause === undefined ? caller.hangUp() : caller.channel.hangup(parseCause(cause))),
    };
  }

  /** The party at the other end of a leg, by the uuid of its channel; undefined when the channel is down. */
  phone(leg: string): Party | undefined {
    return this.#node.core.channels.get(leg)?.party;
  }

  /** Cuts every connection to the event socket without notice. */
  disconnectListeners(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Crashes: calls and connections end without an event or a notice. */
  async crash(): Promise<void> {
    this.#tracked = trackedCalls(this.#node.core);
    this.#node.core.die();
    for (const socket of this.#sockets) socket.destroy();
    await this.#close();
    await Promise.allSettled(this.#calls.values());
  }

  /** Starts again after `crash`, on the same port. */
  async boot(): Promise<void> {
    this.#node = this.#configure();
    await this.#listen();
  }

  /** Crashes and starts again on the same port. */
  async restart(): Promise<void> {
    await this.crash();
    await this.boot();
  }

  /** `sofia recover` after a restart: brings back the calls that were talking at the crash. */
  recover(): readonly RecoveredCall[] {
    const tracked = this.#tracked;
    this.#tracked = [];
    return tracked.map((call) => recoverCall(this.#node.core, call));
  }

  /** Hangs up all calls, sends all connections a disconnect notice, and stops. */
  async stop(): Promise<void> {
    for (const channel of [...this.#node.core.channels.values()]) channel.hangup('SYSTEM_SHUTDOWN');
    await Promise.allSettled(this.#calls.values());
    for (const receiver of [...this.#node.core.receivers]) receiver.close();
    await this.#close();
  }

  #configure(): Node {
    const core = new Core({
      name: this.name,
      domain: this.#options.domain ?? '127.0.0.1',
      clock: this.#clock,
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
      core.fire('HEARTBEAT', () => [
        ['Event-Info', 'System Ready'],
        ['Session-Count', String(core.channels.size)],
      ]);
      this.#scheduleHeartbeat();
    });
  }
}
