import { setTimeout as pause } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { NatsConfig } from '#libs/config/settings.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { connectionOptions } from './access.ts';

const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5_000;

async function untilConnected(dial: () => Promise<NatsConnection>, log: Log): Promise<NatsConnection> {
  for (let said = ''; ; ) {
    try {
      return await dial();
    } catch (error) {
      const { message } = error as Error;
      if (message !== said) log.warn('nats.connect_failed', { err: error });
      said = message;
      await pause(RECONNECT_WAIT_MS);
    }
  }
}

/** A connection to NATS that never gives up, and says whether it holds right now. */
export class Bus {
  readonly nats: NatsConnection;
  #connected = true;

  private constructor(nats: NatsConnection, log: Log) {
    this.nats = nats;
    void this.#watch(log);
  }

  /** Connects, waiting for the first server as long as it takes, and ties the connection to the service's life. */
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
      // A prefix of its own, so that NATS can keep others from listening to its answers.
      inboxPrefix: `_INBOX.dialhook-${name}`,
      maxReconnectAttempts: -1,
      // The client would close for good at the second refusal, as when a password is being changed.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      // Two stack traces for each request, taken before anything is wrong, are a tenth of the agent's time.
      noAsyncTraces: true,
    };
    const nats = await untilConnected(() => connect(options), log);
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
