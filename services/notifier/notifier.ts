import type { Queue } from 'bullmq';
import type { Bus } from '#libs/bus/connection.ts';
import { reportMissingJetStream } from '#libs/bus/jetstream.ts';
import {
  ensureProgressStream,
  oldestOfPartition,
  progressBacklog,
  restartProgressConsumer,
} from '#libs/bus/progress.ts';
import { reportOldServer } from '#libs/bus/server-version.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { ensureTimelineStream, openTimeline } from '#libs/bus/timeline.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { endpointOptions } from '#libs/http/settings.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { Claims } from '#libs/queue/claims.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { connectRedis } from '#libs/queue/redis.ts';
import { isCheckDue, repairKeys, repairRetryQueue } from '#libs/queue/repair.ts';
import { Replication } from '#libs/queue/replication.ts';
import { openRetryQueue } from '#libs/queue/retry-queue.ts';
import { onKeySetAside } from '#libs/queue/wrong-type.ts';
import { INSTANCE_ID } from '#libs/telemetry/instance.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Attempts } from './attempt.ts';
import { CallDelivery } from './call-delivery.ts';
import { type Clock, systemClock } from './clock.ts';
import type { NotifierConfig } from './config.ts';
import { trimDeadLetters } from './dead-letter-trimmer.ts';
import { Delivery } from './delivery.ts';
import { Dispatcher } from './dispatcher.ts';
import { EndpointAdmission } from './endpoint-admission.ts';
import { DeliveryLimiter } from './limiter.ts';
import { observeNotifier } from './metrics.ts';
import { PartitionLeases } from './partition-leases.ts';
import { Partitions } from './partitions.ts';
import { Reading } from './reading.ts';
import { retryJob } from './retry-job.ts';
import { RetryWorker } from './retry-worker.ts';
import { StreamReader } from './stream-reader.ts';

const DAY_MS = 86_400_000;
/** After the streams were created, their existence is not checked again for this time, ms. */
const STREAM_SETUP_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

function endpointClient(config: NotifierConfig): EndpointClient {
  return new EndpointClient({
    // The body of an answer to a notification is not used.
    maxBodyBytes: MAX_ANSWER_BYTES,
    keepAliveMs: KEEP_ALIVE_MS,
    maxConnectionsPerOrigin: config.NOTIFY_CONCURRENCY,
    maxIdleConnections: config.NOTIFY_CONCURRENCY,
    ...endpointOptions(config),
    userAgent: 'dialhook-notifier',
  });
}

const attemptOptions = (config: NotifierConfig) => ({
  method: config.ENDPOINT_METHOD,
  connectTimeoutMs: config.NOTIFY_CONNECT_TIMEOUT_MS,
  responseTimeoutMs: config.NOTIFY_RESPONSE_TIMEOUT_MS,
});

/** Maximum duration of one attempt, ms. */
const attemptMs = (config: NotifierConfig) =>
  config.NOTIFY_CONNECT_TIMEOUT_MS + config.NOTIFY_RESPONSE_TIMEOUT_MS;

/** Expiry of a claim, ms: the maximum duration of an attempt plus the time until another notifier takes over. */
const claimMs = (config: NotifierConfig) => attemptMs(config) + config.TAKEOVER_MS;

const retryPolicy = (config: NotifierConfig) => ({
  scheduleMs: config.RETRY_SCHEDULE_MS,
  jitter: config.RETRY_JITTER,
});

const admissionPolicy = (config: NotifierConfig) => ({
  throttle: {
    firstMs: config.THROTTLE_FIRST_MS,
    maxMs: config.THROTTLE_MAX_MS,
    retryAfterMaxMs: config.RETRY_AFTER_MAX_MS,
    jitter: config.RETRY_JITTER,
  },
  disable: {
    attemptMs: claimMs(config),
    disableAfterMs: config.ENDPOINT_DISABLE_AFTER_MS,
    // Longer than any delay between two attempts. Otherwise failures would be forgotten while they continue.
    forgetMs:
      DAY_MS + 2 * Math.max(...config.RETRY_SCHEDULE_MS, config.RETRY_AFTER_MAX_MS, config.THROTTLE_MAX_MS),
  },
});

async function queueFigures(queue: Queue, deadLetters: DeadLetters) {
  const [counts, dead] = await Promise.all([queue.getJobCounts('wait', 'delayed'), deadLetters.count()]);
  return { queue_waiting: counts['wait'] ?? 0, queue_delayed: counts['delayed'] ?? 0, dead_letters: dead };
}

/** Returns a function that creates the progress and timeline streams, at most once in `STREAM_SETUP_MS`. */
function streamSetup(bus: Bus, config: NotifierConfig, log: Log): () => Promise<void> {
  const create = async () => {
    await ensureProgressStream(bus, {
      replicas: config.PROGRESS_REPLICAS,
      maxBytes: config.PROGRESS_MAX_BYTES,
      maxAgeMs: config.PROGRESS_MAX_AGE_MS,
      duplicateWindowMs: config.PROGRESS_DUPLICATE_WINDOW_MS,
    });
    if (config.TIMELINE === 'off') return;
    // Delivery does not need the timeline stream.
    await ensureTimelineStream(bus, {
      replicas: config.TIMELINE_REPLICAS,
      maxBytes: config.TIMELINE_MAX_BYTES,
      maxAgeMs: config.TIMELINE_MAX_AGE_MS,
    }).catch((err: unknown) => log.warn('timeline.stream_failed', { err }));
  };
  let current: { readonly since: number; readonly created: Promise<void> } | undefined;
  return () => {
    if (current === undefined || performance.now() - current.since > STREAM_SETUP_MS) {
      const created = create();
      current = { since: performance.now(), created };
      created.catch(() => {
        current = undefined;
      });
    }
    return current.created;
  };
}

export interface NotifierOptions {
  readonly clock?: Clock;
  /** Holder of partition leases and claims. Two notifiers in one process need different ones. */
  readonly instance?: string;
}

/**
 * Starts a notifier. On stop it stops reading, waits for deliveries in flight, and closes its connections, in this
 * order.
 */
export function startNotifier(
  config: NotifierConfig,
  bus: Bus,
  lifecycle: Lifecycle,
  log: Log,
  { clock = systemClock, instance = INSTANCE_ID }: NotifierOptions = {},
): void {
  reportMissingJetStream(bus, lifecycle, log);
  reportOldServer(bus, config.PROGRESS_REPLICAS, log);
  const timeline = openTimeline(bus, 'notifier', config, lifecycle);
  const prefix = config.QUEUE_PREFIX;
  const aside = SetAside.open(lifecycle, log);
  const redis = connectRedis(config, lifecycle, log);
  onKeySetAside(redis, (key) => aside.add('redis_key', 'the key has the wrong type', { key }));
  const client = endpointClient(config);
  lifecycle.onStop('connections to endpoints', () => client.close());

  const queue = openRetryQueue(redis, prefix);
  queue.on('error', (error) => log.debug('queue.error', { err: error }));
  lifecycle.onStop('queue', () => queue.close());

  const replication = new Replication(redis, prefix, instance, config.REDIS_WAIT_REPLICAS);
  lifecycle.onStop('replication', () => replication.close());
  const deadLetters = new DeadLetters(redis, prefix);
  const limits = { max: config.DEAD_LETTER_MAX, maxAgeMs: config.DEAD_LETTER_MAX_AGE_MS };
  lifecycle.onStop('dead letters', trimDeadLetters(deadLetters, limits, redis, clock, log, aside));

  const limiter = new DeliveryLimiter(config.NOTIFY_CONCURRENCY);
  const endpoints = new EndpointState(redis, prefix);
  observeNotifier({ redis, queue, deadLetters, endpoints, bus });
  const claims = new Claims(redis, prefix, { dedupMs: config.DEDUP_MS, claimMs: claimMs(config) });
  const delivery = new Delivery({
    deadLetters,
    replication,
    admission: new EndpointAdmission(endpoints, limiter, admissionPolicy(config), clock, log),
    clock,
    log,
    timeline,
    attempts: new Attempts(client, attemptOptions(config), clock),
    retry: retryPolicy(config),
  });
  const callDelivery = new CallDelivery(claims, delivery, attemptMs(config), aside, log);
  const dispatcher = new Dispatcher({
    claims,
    replication,
    queue,
    endpoints,
    limiter,
    delivery: callDelivery,
    log,
    instance,
  });
  const worker = new RetryWorker(
    redis,
    queue,
    {
      prefix,
      instance,
      concurrency: config.NOTIFY_CONCURRENCY,
      attemptMs: attemptMs(config),
      takeoverMs: config.TAKEOVER_MS,
      run: retryJob(claims, callDelivery, instance, aside),
      checkMs: config.QUEUE_CHECK_INTERVAL_MS,
      repair: {
        keys: () => repairKeys(redis, prefix),
        queue: async (thorough, signal) => {
          const isDue = await isCheckDue(redis, prefix, instance, config.QUEUE_CHECK_INTERVAL_MS);
          if (!isDue && !thorough) return { lost: 0, jobs: 0 };
          const onCorruptJob = (job: string) => aside.add('retry_job', 'the job cannot be read', { job });
          return repairRetryQueue({ redis, prefix, queue, onCorruptJob }, thorough, signal);
        },
      },
    },
    log,
  );
  lifecycle.check('queue', () => worker.problem());
  lifecycle.onStop('deliveries', async () => {
    // While Redis is disconnected no delivery can be settled; its message stays in JetStream.
    await Promise.all([worker.stop(), redis.status === 'ready' ? dispatcher.settled() : undefined]);
  });

  const setUpStreams = streamSetup(bus, config, log);
  const reading = new Reading(log);
  const partitions = new Partitions({
    leases: new PartitionLeases(redis, prefix, instance, config.TAKEOVER_MS),
    leaseMs: config.TAKEOVER_MS,
    openReader: (partition) =>
      new StreamReader({
        partition,
        openConsumer: async () => {
          await setUpStreams();
          return restartProgressConsumer(bus, partition);
        },
        dispatch: (entries) => dispatcher.dispatch(partition, entries),
        keepDead: (entry, error) => delivery.keepUnprocessable(entry, error),
        aside,
        onFailed: ({ message }) => reading.failed(message),
        log,
      }),
    backlog: () => progressBacklog(bus),
    oldest: (partition) => oldestOfPartition(bus, partition),
    settled: (partition) => dispatcher.settled(partition),
    bus,
    reading,
    random: clock.random,
    log,
  });
  lifecycle.check('reader', () => partitions.problem());
  lifecycle.onStop('reader', async () => {
    callDelivery.stop();
    dispatcher.stop();
    await partitions.stop();
  });
  publishStatus(bus, lifecycle, {
    service: 'notifier',
    figures: async () => ({
      deliveries_in_flight: limiter.inFlight,
      partitions: partitions.size,
      timeline_dropped: timeline.dropped,
      ...(bus.connected ? await streamFigures(bus).catch(() => ({})) : {}),
      ...(redis.status === 'ready' ? await queueFigures(queue, deadLetters).catch(() => ({})) : {}),
    }),
  });
}

const streamFigures = async (bus: Bus) => ({ stream_messages: await progressBacklog(bus) });
