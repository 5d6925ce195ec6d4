import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';

const RECONNECT_WAIT_MS = 500;
const PING_INTERVAL_MS = 5_000;

/** A connection to NATS that never gives up, and says whether it holds right now. */
export class Bus {
  readonly nats: NatsConnection;
  #connected = true;

  private constructor(nats: NatsConnection, log: Log) {
    this.nats = nats;
    void this.#watch(log);
  }

  /** Connects, waiting for the first server as long as it takes, and ties the connection to the service's life. */
  static async connect(servers: string, name: string, lifecycle: Lifecycle, log: Log): Promise<Bus> {
    let bus: Bus | undefined;
    lifecycle.check('nats', () => (bus?.connected ? undefined : 'not connected'));
    const nats = await connect({
      servers: servers.split(','),
      name: `dialhook-${name}`,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
    });
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
        if (this.#connected && status.type !== 'close') log.warn('nats: connection lost');
        this.#connected = false;
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        log.info('nats: connected again');
      } else if (status.type === 'error') {
        log.error({ err: status.error }, 'nats: the server reports an error');
      }
    }
  }
}
