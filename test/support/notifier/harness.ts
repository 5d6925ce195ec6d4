import { randomUUID } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { Bus } from '#libs/bus/connection.ts';
import { ensureProgressStream, ProgressPublisher, progressSubject } from '#libs/bus/progress.ts';
import { BUS, type ProgressEvent } from '#libs/contract/messages.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { type Clock, systemClock } from '#services/notifier/clock.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { startNotifier } from '#services/notifier/notifier.ts';
import { quietLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { until } from '#test/support/until.ts';

const QUICK = {
  LOG_LEVEL: 'error',
  NOTIFY_CONNECT_TIMEOUT_MS: '500',
  NOTIFY_RESPONSE_TIMEOUT_MS: '1500',
  THROTTLE_FIRST_MS: '1',
  THROTTLE_MAX_MS: '20',
  RETRY_SCHEDULE_MS: Array.from({ length: 20 }, () => '1').join(','),
};

/** NATS, Redis, a publisher as an agent has it, and as many notifiers as wanted. */
export class NotifierHarness {
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly prefix = `test-${randomUUID().slice(0, 8)}`;
  readonly #redisUrl: string;
  readonly #redisMode: string;
  readonly #agent: Bus;
  readonly #lifecycle: Lifecycle;
  readonly #publisher: ProgressPublisher;

  private constructor(
    nats: NatsServer,
    redis: RedisServer,
    agent: Bus,
    lifecycle: Lifecycle,
    redisUrl: string,
    redisMode: string,
  ) {
    this.#redisMode = redisMode;
    this.#redisUrl = redisUrl;
    this.nats = nats;
    this.redis = redis;
    this.#agent = agent;
    this.#lifecycle = lifecycle;
    this.#publisher = new ProgressPublisher(agent);
  }

  /**
   * @param given `redisUrl` and `redisMode` name a Redis that the test has started itself; `storeDir` and
   * `settings.dir` are the folders with the data of NATS and Redis. Default: new folders.
   */
  static async start(
    given: {
      readonly tcp?: boolean;
      readonly durable?: boolean;
      readonly storeDir?: string;
      readonly settings?: Readonly<Record<string, string>>;
      readonly redisUrl?: string;
      readonly redisMode?: 'cluster' | 'sentinel';
    } = {},
  ): Promise<NotifierHarness> {
    const [nats, redis] = await Promise.all([
      startNats(given.storeDir === undefined ? {} : { storeDir: given.storeDir }),
      startRedis(given),
    ]);
    const lifecycle = new Lifecycle(quietLog, 5_000);
    const agent = await Bus.connect(nats.url, 'agent', lifecycle, quietLog);
    const day = 86_400_000;
    const limits = { replicas: 1, maxBytes: 2 ** 28, maxAgeMs: 3 * day, duplicateWindowMs: 120_000 };
    await ensureProgressStream(agent, limits);
    return new NotifierHarness(
      nats,
      redis,
      agent,
      lifecycle,
      given.redisUrl ?? redis.url,
      given.redisMode ?? 'standalone',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.resume();
    await this.#lifecycle.stop();
    await Promise.all([this.nats.stop(), this.redis.stop()]);
  }

  env(settings: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      ...QUICK,
      NATS_URL: this.nats.url,
      REDIS_URL: this.#redisUrl,
      REDIS_MODE: this.#redisMode,
      QUEUE_PREFIX: this.prefix,
      HEALTH_PORT: '0',
      ...settings,
    };
  }

  /** A notifier within this process. */
  async notifier(
    settings: Readonly<Record<string, string>> = {},
    clock: Clock = systemClock,
    log: Log = quietLog,
  ) {
    const config = readNotifierConfig(this.env(settings));
    const lifecycle = new Lifecycle(quietLog, config.STOP_DEADLINE_MS);
    const bus = await Bus.connect(config.NATS_URL, 'notifier', lifecycle, quietLog);
    startNotifier(config, bus, lifecycle, log, { clock, instance: randomUUID() });
    return {
      health: () => lifecycle.health(),
      stop: () => lifecycle.stop(),
      [Symbol.asyncDispose]: () => lifecycle.stop(),
    };
  }

  /** Another connection to the same Redis. */
  client(): Redis {
    const { protocol, pathname } = new URL(this.#redisUrl);
    const client = protocol === 'unix:' ? new Redis(pathname) : new Redis(this.#redisUrl);
    client.on('error', () => {});
    this.#lifecycle.onStop('a client', () => client.disconnect());
    return client;
  }

  deadLetters(): DeadLetters {
    return new DeadLetters(this.client(), this.prefix);
  }

  endpoints(): EndpointState {
    return new EndpointState(this.client(), this.prefix);
  }

  /** Publishes as an agent does, in this order, and each until JetStream has it. */
  async publish(messages: readonly ProgressEvent[]): Promise<void> {
    for (const message of messages) {
      const publish = () => this.#publisher.publish(message, callContext(message.notification.uuid));
      await publish().catch(publish).catch(publish);
    }
  }

  /** Puts a message into the stream whatever JetStream remembers of its id. */
  async publishAgain(message: ProgressEvent): Promise<void> {
    await this.publishRaw(JSON.stringify(message), message.notification.uuid);
  }

  /** Puts a message into the partition of a call. */
  async publishRaw(text: string, uuid: string): Promise<void> {
    await this.#agent.nats.request(progressSubject(uuid, 'fs-1'), text);
  }

  /** Kills NATS and starts another with its data at the same address. */
  async restartNats(): Promise<AsyncDisposable> {
    const { port, storeDir } = this.nats;
    await this.nats.kill();
    const again = await startNats({ port, storeDir });
    return { [Symbol.asyncDispose]: () => again.kill() };
  }

  /** How many messages are in the stream, and how many of them a notifier has without having acknowledged them. */
  async stream(): Promise<{ readonly messages: number; readonly notAcknowledged: number }> {
    const manager = await jetstreamManager(this.#agent.nats);
    const { state } = await manager.streams.info(BUS.stream);
    let notAcknowledged = 0;
    for await (const { num_ack_pending } of manager.consumers.list(BUS.stream))
      notAcknowledged += num_ack_pending;
    return { messages: state.messages, notAcknowledged };
  }

  async allAcknowledged(): Promise<void> {
    await until('the stream is empty', async () => (await this.stream()).messages === 0);
  }
}
