import { setTimeout as pause } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { NatsConfig } from '#libs/config/settings.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { connectionOptions } from './access.ts';

const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5_000;

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

/** A connection to NATS that reconnects for ever and knows whether it is connected. */
export class Bus {
  readonly nats: NatsConnection;
  #connected = true;

  private constructor(nats: NatsConnection, log: Log) {
    this.nats = nats;
    void this.#watch(log);
  }

  /**
   * Resolves when a server has accepted the connection, however long that takes. Registers the readiness check `nats` and
   * closes the connection when the service stops.
   */
  static async connect(
    access: string | (Pick<NatsConfig, 'NATS_URL'> & Partial<NatsConfig>),
    name: string,
    lifecycle: Lifecycle,
    log: Log,
  ): Promise<Bus> {
    let bus: Bus | undefined;
    lifecycle.check('nats', () => (bus?.connected ? undefined : 'not connected'));
    const options = {
      ...connectionOptions(typeof access === 'string' ? { NATS_URL: access } : access),
      name: `dialhook-${name}`,
      // One prefix per service, so that permissions can keep others from reading its replies.
      inboxPrefix: `_INBOX.dialhook-${name}`,
      maxReconnectAttempts: -1,
      // Without it the client closes for good after two refused logins, for example during a password change.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      // Otherwise the client captures two stack traces per request, a tenth of the agent's CPU time.
      noAsyncTraces: true,
    };
    const nats = await connectWithRetries(() => connect(options), log);
    bus = new Bus(nats, log);
    lifecycle.onStop('nats', () => (bus?.connected ? nats.drain() : nats.close()));
    return bus;
  }

  get connected(): boolean {
    return this.#connected;
  }

  async #watch(log: Log): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection' || status.type === 'close') {
        if (this.#connected && status.type !== 'close') log.warn('nats.connection_lost');
        this.#connected = false;
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        log.info('nats.reconnected');
      } else if (status.type === 'error') {
        log.error('nats.server_error', { err: status.error });
      }
    }
  }
}
