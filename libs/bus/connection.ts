import { setTimeout as pause } from 'node:timers/promises';
import {
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamManagerOptions,
  type JetStreamOptions,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection, type Server, type Status } from '@nats-io/transport-node';
import type { NatsConfig } from '#libs/config/settings.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { connectionOptions } from './access.ts';

const RECONNECT_WAIT_MS = 500;
const RECONNECT_JITTER_MS = 100;
/**
 * Time limit for TCP, TLS and login together, ms. Otherwise the client waits 20 s for a server that closes after its
 * INFO.
 */
const CONNECT_TIMEOUT_MS = 2_000;
/** Delay before the first attempt to find out why no server accepts the connection, and between attempts, ms. */
const EXPLAIN_MS = 3_000;
/** A server that does not answer is left after three intervals. */
const PING_INTERVAL_MS = 2_000;
/** Time in which a server that is suspected to hang must answer a ping, ms. */
const PONG_MS = 500;

type Access = Pick<NatsConfig, 'NATS_URL'> & Partial<NatsConfig>;

/** Error text of the client when a server closes the connection before its INFO. */
const CLOSED_EARLY = 'node provided an undefined error';

function connectError(error: Error, access: Access): Error {
  if (!error.message.includes(CLOSED_EARLY)) return error;
  const hint =
    access.NATS_TLS_HANDSHAKE_FIRST === 'on'
      ? ''
      : '; if it has handshake_first, set NATS_TLS_HANDSHAKE_FIRST=on';
  return new Error(`the server closed the connection before it sent INFO${hint}`, { cause: error });
}

async function connectWithRetries(dial: () => Promise<NatsConnection>, log: Log): Promise<NatsConnection> {
  for (let logged = ''; ; ) {
    try {
      return await dial();
    } catch (error) {
      const { message } = error as Error;
      if (message !== logged) log.warn('nats.connect_failed', { err: error });
      logged = message;
      await pause(RECONNECT_WAIT_MS);
    }
  }
}

/** HOST:PORT, [V6]:PORT or HOST, without port and brackets. */
const hostOf = (server: string): string => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/**
 * The server that was tried longest ago. By itself the client tries the server again that it has just lost, which costs
 * the connect timeout when that one hangs.
 */
const leastRecentlyTried = (pool: readonly Server[]): Server | null =>
  pool.toSorted((a, b) => a.lastConnect - b.lastConnect)[0] ?? null;

/** A connection to NATS that reconnects without limit and knows whether it is connected. */
export class Bus {
  readonly nats: NatsConnection;
  /** NATS_JETSTREAM_DOMAIN. */
  readonly domain: string | undefined;
  /** Prefix of the subjects for replies to this service. */
  readonly inboxPrefix: string;
  readonly #announced: Set<string>;
  /** Makes one connection attempt to a server. Rejects with the reason for which it fails. */
  readonly #explain: (server: string) => Promise<void>;
  #explaining = false;
  readonly #log: Log;
  #testing = false;
  readonly #listeners: ((connected: boolean) => void)[] = [];
  #connected = true;

  private constructor(
    nats: NatsConnection,
    inboxPrefix: string,
    domain: string | undefined,
    announced: Set<string>,
    explain: (server: string) => Promise<void>,
    log: Log,
  ) {
    this.#explain = explain;
    this.nats = nats;
    this.inboxPrefix = inboxPrefix;
    this.#log = log;
    this.domain = domain;
    this.#announced = announced;
    for (const server of nats.info?.connect_urls ?? []) announced.add(hostOf(server));
    inBackground(log, 'NATS connection status', this.#watch());
  }

  /**
   * Resolves when a server has accepted the connection, however long that takes. Registers the readiness check `nats` and
   * closes the connection when the service stops.
   */
  static async connect(given: string | Access, name: string, lifecycle: Lifecycle, log: Log): Promise<Bus> {
    const access = typeof given === 'string' ? { NATS_URL: given } : given;
    let bus: Bus | undefined;
    lifecycle.check('nats', () => (bus?.connected ? undefined : 'not connected'));
    const announced = new Set<string>();
    const refused = new Set<string>();
    const onRefused = (err: Error) => {
      // Logged once for each name, because the client retries without limit.
      if (!refused.has(err.message)) log.warn('nats.certificate_refused', { err });
      refused.add(err.message);
    };
    const options = {
      ...connectionOptions(access, { announced, onRefused }),
      name: `dialhook-${name}`,
      // One prefix per service, so that permissions can keep others from reading its replies.
      inboxPrefix: `_INBOX.dialhook-${name}`,
      maxReconnectAttempts: -1,
      // Without it the client closes for good after two refused logins, for example during a password change.
      ignoreAuthErrorAbort: true,
      timeout: CONNECT_TIMEOUT_MS,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      reconnectJitterTLS: RECONNECT_JITTER_MS,
      pingInterval: PING_INTERVAL_MS,
      // Otherwise the client captures two stack traces per request, a tenth of the agent's CPU time.
      noAsyncTraces: true,
      reconnectToServer: leastRecentlyTried,
    };
    const dial = () =>
      connect(options).catch((error: Error) => {
        throw connectError(error, access);
      });
    const nats = await connectWithRetries(dial, log);
    const explain = (servers: string) =>
      connect({ ...options, servers, reconnect: false }).then((other) => other.close());
    bus = new Bus(nats, options.inboxPrefix, access.NATS_JETSTREAM_DOMAIN, announced, explain, log);
    lifecycle.onStop('nats', () => (bus?.connected ? nats.drain() : nats.close()));
    return bus;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Calls back with each change of `connected`. */
  onChange(listener: (connected: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Reconnects to another server if this one does not answer a ping, long before the regular pings would notice. */
  leaveSilentServer(): void {
    if (this.#testing || !this.#connected) return;
    this.#testing = true;
    const testing = this.#testServer().finally(() => {
      this.#testing = false;
    });
    inBackground(this.#log, 'NATS server test', testing);
  }

  async #testServer(): Promise<void> {
    const answered = this.nats.flush().then(
      () => true,
      () => true,
    );
    if ((await Promise.race([answered, pause(PONG_MS, false)])) || !this.#connected) return;
    this.#log.warn('nats.server_silent', { server: this.nats.getServer(), ms: PONG_MS });
    await this.nats.reconnect().catch(() => {});
  }

  /** A client of JetStream in NATS_JETSTREAM_DOMAIN. */
  jetstream(options: JetStreamOptions = {}): JetStreamClient {
    return jetstream(this.nats, { ...this.#inDomain(), ...options });
  }

  /** The management API of JetStream in NATS_JETSTREAM_DOMAIN. @throws when JetStream does not answer. */
  jetstreamManager(options: JetStreamManagerOptions = {}): Promise<JetStreamManager> {
    return jetstreamManager(this.nats, { ...this.#inDomain(), ...options });
  }

  #inDomain(): { readonly domain?: string } {
    return this.domain === undefined ? {} : { domain: this.domain };
  }

  async #watch(): Promise<void> {
    for await (const status of this.nats.status()) this.#onStatus(status);
  }

  #onStatus(status: Status): void {
    const log = this.#log;
    if (status.type === 'disconnect' || status.type === 'staleConnection' || status.type === 'close') {
      if (!this.#connected && status.type === 'disconnect') this.#leaveServer();
      if (this.#connected && status.type !== 'close') log.warn('nats.connection_lost');
      this.#setConnected(false);
    } else if (status.type === 'reconnect') {
      this.#setConnected(true);
      log.info('nats.reconnected', { server: status.server });
    } else if (status.type === 'update') {
      for (const server of status.added ?? []) this.#announced.add(hostOf(server));
    } else if (status.type === 'error') {
      log.error('nats.server_error', { err: status.error });
    }
  }

  /** Logs why no server accepts the connection, which the client does not report. Once for each different reason. */
  async #explainOutage(): Promise<void> {
    if (this.#explaining) return;
    this.#explaining = true;
    for (let logged = ''; ; ) {
      await pause(EXPLAIN_MS, undefined, { ref: false });
      if (this.#connected || this.nats.isClosed()) break;
      const error = await this.#refusals();
      if (this.#connected || error === '' || error === logged) continue;
      logged = error;
      this.#log.warn('nats.reconnect_failed', { error });
    }
    this.#explaining = false;
  }

  /** Why the servers refuse the connection; empty when one accepts it. */
  async #refusals(): Promise<string> {
    const reasons: string[] = [];
    for (const { listen } of this.nats.getServers()) {
      const reason = await this.#explain(listen).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (reason === undefined) return '';
      reasons.push(`${listen}: ${reason}`);
    }
    return reasons.toSorted().join('; ');
  }

  /**
   * Called when a server closes the connection between INFO and PONG, as during its shutdown. The client would wait for
   * the connect timeout; this rejects the attempt, so that it tries the next server at once.
   */
  #leaveServer(): void {
    const { protocol } = this.nats as { protocol?: { connectError?: (error: Error) => void } };
    protocol?.connectError?.(new Error('the server closed the connection'));
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (!connected) inBackground(this.#log, 'NATS outage', this.#explainOutage());
    for (const listener of this.#listeners) listener(connected);
  }
}
