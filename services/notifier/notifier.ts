import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Bus } from '#libs/bus/connection.ts';
import { EndpointClient } from '#libs/http/client.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Attempts } from './attempt.ts';
import { Backlog } from './backlog.ts';
import { CallWorker } from './call-worker.ts';
import { type Clock, systemClock } from './clock.ts';
import type { NotifierConfig } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { Drain } from './drain.ts';
import type { Entry } from './entry.ts';
import { Intake } from './intake.ts';
import { openQueue, wakeCalls } from './queue.ts';
import { ReaderLease } from './reader-lease.ts';
import { connectRedis } from './redis.ts';
import { Slots } from './slots.ts';

const KEEP_ALIVE_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

function endpointClient(config: NotifierConfig): EndpointClient {
  return new EndpointClient({
    // What an endpoint answers to a notification is of no concern beyond its status.
    maxBodyBytes: MAX_ANSWER_BYTES,
    keepAliveMs: KEEP_ALIVE_MS,
    maxConnectionsPerOrigin: config.NOTIFY_CONCURRENCY,
    maxIdleConnections: config.NOTIFY_CONCURRENCY,
    refusedNetworks: config.ENDPOINT_REFUSED_NETWORKS,
    userAgent: 'dialhook-notifier',
  });
}

const attemptOptions = (config: NotifierConfig) => ({
  method: config.ENDPOINT_METHOD,
  connectTimeoutMs: config.NOTIFY_CONNECT_TIMEOUT_MS,
  responseTimeoutMs: config.NOTIFY_RESPONSE_TIMEOUT_MS,
});

const retryPolicy = (config: NotifierConfig) => ({
  scheduleMs: config.RETRY_SCHEDULE_MS,
  jitter: config.RETRY_JITTER,
  retryAfterMaxMs: config.RETRY_AFTER_MAX_MS,
});

const streamLimits = (config: NotifierConfig) => ({
  replicas: config.PROGRESS_REPLICAS,
  maxBytes: config.PROGRESS_MAX_BYTES,
  maxAgeMs: config.PROGRESS_MAX_AGE_MS,
  duplicateWindowMs: config.PROGRESS_DUPLICATE_WINDOW_MS,
});

/** What operators need of a running notifier. */
export interface Notifier {
  readonly deadLetters: DeadLetters;
  /** Sends a dead letter again, by the notification's id; false when there is none. */
  replay(id: string): Promise<boolean>;
}

/**
 * Puts a notifier on the bus. On stop it first takes nothing more from the stream, then finishes the deliveries in
 * hand, then lets go of Redis.
 */
export function startNotifier(
  config: NotifierConfig,
  bus: Bus,
  lifecycle: Lifecycle,
  log: Log,
  clock: Clock = systemClock,
): Notifier {
  const prefix = config.QUEUE_PREFIX;
  const instance = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const redis = connectRedis(config.REDIS_URL, lifecycle, log);
  const client = endpointClient(config);
  lifecycle.onStop('connections to endpoints', () => client.close());

  const queue = openQueue(redis, prefix);
  queue.on('error', (error) => log.debug({ err: error }, 'queue'));
  lifecycle.onStop('queue', () => queue.close());

  const backlog = new Backlog(redis, { prefix, dedupMs: config.DEDUP_MS });
  const limits = { max: config.DEAD_LETTER_MAX, maxAgeMs: config.DEAD_LETTER_MAX_AGE_MS };
  const deadLetters = new DeadLetters(redis, prefix, limits, log);
  lifecycle.onStop('dead letters', deadLetters.keepTrimmed(clock.now));

  const drain = new Drain({
    backlog,
    deadLetters,
    clock,
    log,
    attempts: new Attempts(client, attemptOptions(config), clock),
    slots: new Slots(config.NOTIFY_CONCURRENCY),
    retry: retryPolicy(config),
    lockKey: (jobId) => `${queue.toKey(jobId)}:lock`,
  });
  const worker = new CallWorker(
    redis,
    queue,
    {
      prefix,
      instance,
      concurrency: config.NOTIFY_CONCURRENCY,
      attemptMs: config.NOTIFY_CONNECT_TIMEOUT_MS + config.NOTIFY_RESPONSE_TIMEOUT_MS,
      run: (job, token) => drain.run(job, token),
    },
    log,
  );
  lifecycle.check('queue', () => worker.problem());
  lifecycle.onStop('worker', () => worker.stop());

  const lease = new ReaderLease(redis, prefix, instance);
  const store = async (entries: readonly Entry[]) => {
    const fresh = await backlog.append(lease.key, lease.holder, entries);
    // Repeats too: the one before may have come into the backlog and no further.
    await wakeCalls(
      queue,
      entries.map((entry) => entry.progress.notification.uuid),
    );
    return fresh;
  };
  const intake = new Intake(bus, streamLimits(config), lease, store, log);
  lifecycle.check('intake', () => intake.problem());
  lifecycle.onStop('intake', async () => {
    drain.stop();
    await intake.stop();
    // Not waited for: should Redis not answer, the lease is free again in a few seconds all the same.
    lease.leave().catch((error: unknown) => log.debug({ err: error }, 'the lease'));
  });

  return {
    deadLetters,
    replay: (id) =>
      deadLetters.replay(
        id,
        (entry) => backlog.put(entry),
        (call) => wakeCalls(queue, [call]),
      ),
  };
}
