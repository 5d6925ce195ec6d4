import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PortBlock, reservePortBlock } from '#test/support/ports.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { type Configuration, writeConfiguration } from './configuration.ts';
import { type Event, EventSocket } from './event-socket.ts';
import { FreeSwitchProcess, makeFolders } from './process.ts';

/** A machine whose cores are busy takes tens of seconds to start FreeSWITCH. */
const START_MS = 90_000;
const POLL_MS = 50;
const PROFILES = 3;
const FIXED = { domain: '127.0.0.1', password: 'everything', user: 'agent', userPassword: 'events-only' };

interface Listener {
  /** Names of events, the end of each leg and its beginning among them. */
  readonly events: string;
  readonly onEvent: (event: Event) => void;
}

/** One FreeSWITCH with its own ports, configuration and folder, which it keeps over restarts. */
export class FreeSwitch {
  readonly domain = FIXED.domain;
  readonly user = { name: FIXED.user, password: FIXED.userPassword };
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  /** Where it takes calls and registrations. */
  readonly sipPort: number;
  /** Its certificate over SIP, in PEM, and the only authority that it trusts there. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly #ports: PortBlock;
  readonly #root: string;
  readonly #listener: Listener;
  #child: FreeSwitchProcess | undefined;
  #socket: EventSocket | undefined;
  readonly #removeFolder = () => rmSync(this.#root, { recursive: true, force: true, maxRetries: 3 });

  private constructor(ports: PortBlock, root: string, listener: Listener, tls: FreeSwitch['tls']) {
    this.tls = tls;
    this.eventSocket = { host: '127.0.0.1', port: ports.eventSocket, password: FIXED.password };
    this.sipPort = ports.internal;
    this.#ports = ports;
    this.#root = root;
    this.#listener = listener;
    process.once('exit', this.#removeFolder);
  }

  /** Configures one in a temporary folder. */
  static async configure(
    outside: Pick<
      Configuration,
      'gw' | 'gw2' | 'fallback' | 'ip' | 'logLevel' | 'trackCalls' | 'callIdAsUuid' | 'interfaceAllowlist'
    >,
    listener: Listener,
  ): Promise<FreeSwitch> {
    const ports = await reservePortBlock();
    const root = await mkdtemp(join(tmpdir(), 'dialhook-freeswitch-'));
    await makeFolders(root);
    const { key, cert } = selfSigned('IP:127.0.0.1');
    await writeFile(join(root, 'certs', 'agent.pem'), `${cert}${key}`);
    await writeFile(join(root, 'certs', 'cafile.pem'), cert);
    await writeConfiguration(join(root, 'conf'), { ...FIXED, ...outside, ...inConfiguration(ports) });
    return new FreeSwitch(ports, root, listener, { key, cert });
  }

  get running(): boolean {
    return this.#socket !== undefined;
  }

  /** Resolves when it takes calls and its events are heard. */
  async start(): Promise<void> {
    const child = new FreeSwitchProcess(this.#root);
    this.#child = child;
    this.#socket = await this.#ready(child);
  }

  api(command: string): Promise<string> {
    return this.#socket?.api(command) ?? Promise.resolve('-ERR not running');
  }

  /** The uuids of the legs that `sofia recover` would bring back after a crash. It writes them in the background. */
  recoverable(): string[] {
    const database = new DatabaseSync(join(this.#root, 'db', 'core.db'), { readOnly: true });
    try {
      return database
        .prepare('SELECT uuid FROM recovery')
        .all()
        .map(({ uuid }) => String(uuid));
    } finally {
      database.close();
    }
  }

  /** Shuts it down in order. Its events until then are received. */
  stop(): Promise<void> {
    return this.#end(async (child) => child.stop());
  }

  /** As a crash ends it. */
  kill(): Promise<void> {
    return this.#end(async (child) => child.kill());
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.stop();
    this.#ports.release();
    process.off('exit', this.#removeFolder);
    this.#removeFolder();
  }

  async #end(how: (child: FreeSwitchProcess) => Promise<void>): Promise<void> {
    const [child, socket] = [this.#child, this.#socket];
    this.#child = undefined;
    this.#socket = undefined;
    if (child) await how(child);
    await socket?.closed;
  }

  async #ready(child: FreeSwitchProcess): Promise<EventSocket> {
    const { events, onEvent } = this.#listener;
    const end = Date.now() + START_MS;
    let socket: EventSocket | undefined;
    for (; Date.now() < end && child.running; await sleep(POLL_MS)) {
      socket ??= await EventSocket.open(this.eventSocket, events, onEvent).catch(() => undefined);
      if (socket === undefined || !(await socket.api('status')).includes('is ready')) continue;
      const profiles = await socket.api('sofia status');
      if (profiles.match(/profile\b.*RUNNING/g)?.length === PROFILES) return socket;
    }
    socket?.close();
    throw new Error(`freeswitch did not start:\n${child.tail()}`);
  }
}

const inConfiguration = (ports: PortBlock) => ({
  eventSocketPort: ports.eventSocket,
  internalPort: ports.internal,
  externalPort: ports.external,
  securePort: ports.secure,
  rtpFirst: ports.rtpFirst,
  rtpLast: ports.rtpLast,
});
