import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Queue } from 'bullmq';
import type { Bus } from '#libs/bus/connection.ts';
import { ensureProgressStream, progressLag } from '#libs/bus/progress.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { ensureTimelineStream, openTimeline } from '#libs/bus/timeline.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { endpointOptions } from '#libs/http/settings.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { Backlog } from '#libs/queue/backlog.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { Endpoints } from '#libs/queue/endpoints.ts';
import { openQueue } from '#libs/queue/queue.ts';
import { connectRedis } from '#libs/queue/redis.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Attempts } from './attempt.ts';
import { callJob } from './call-job.ts';
import { CallWorker } from './call-worker.ts';
import { type Clock, systemClock } from './clock.ts';
import type { NotifierConfig } from './config.ts';
import { Delivery } from './delivery.ts';
import { Direct } from './direct.ts';
import { Drain } from './drain.ts';
import { EndpointGate } from './endpoint-gate.ts';
import { Intake } from './intake.ts';
import { observeNotifier } from './metrics.ts';
import { ReaderLease } from './reader-lease.ts';
import { Slots } from './slots.ts';
import { trimDeadLetters } from './trim.ts';

const DAY_MS = 86_400_000;
const KEEP_ALIVE_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

function endpointClient(config: NotifierConfig): EndpointClient {
  return new EndpointClient({
    // What an endpoint answers to a notification is of no concern beyond its status.
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

const attemptMs = (config: NotifierConfig) =>
  config.NOTIFY_CONNECT_TIMEOUT_MS + config.NOTIFY_RESPONSE_TIMEOUT_MS;

const retryPolicy = (config: NotifierConfig) => ({
  scheduleMs: config.RETRY_SCHEDULE_MS,
  jitter: config.RETRY_JITTER,
});

const gateOptions = (config: NotifierConfig) => ({
  throttle: {
    firstMs: config.THROTTLE_FIRST_MS,
    maxMs: config.THROTTLE_MAX_MS,
    retryAfterMaxMs: config.RETRY_AFTER_MAX_MS,
    jitter: config.RETRY_JITTER,
  },
  rules: {
    attemptMs: attemptMs(config) + config.TAKEOVER_MS,
    offAfterMs: config.ENDPOINT_DISABLE_AFTER_MS,
    // Longer than any wait between two attempts, or failures would be forgotten while they go on.
    forgetMs:
      DAY_MS + 2 * Math.max(...config.RETRY_SCHEDULE_MS, config.RETRY_AFTER_MAX_MS, config.THROTTLE_MAX_MS),
  },
});

async function queueFigures(queue: Queue, deadLetters: DeadLetters) {
  const [counts, letters] = await Promise.all([queue.getJobCounts('wait', 'delayed'), deadLetters.count()]);
  return { queue_waiting: counts['wait'] ?? 0, queue_delayed: counts['delayed'] ?? 0, dead_letters: letters };
}

/** The streams that this service reads or keeps for others. Without the timeline's, progress is delivered all the same. */
async function makeStreams(bus: Bus, config: NotifierConfig, log: Log): Promise<void> {
  await ensureProgressStream(bus, {
    replicas: config.PROGRESS_REPLICAS,
    maxBytes: config.PROGRESS_MAX_BYTES,
    maxAgeMs: config.PROGRESS_MAX_AGE_MS,
    duplicateWindowMs: config.PROGRESS_DUPLICATE_WINDOW_MS,
  });
  if (config.TIMELINE === 'off') return;
  await ensureTimelineStream(bus, {
    replicas: config.TIMELINE_REPLICAS,
    maxBytes: config.TIMELINE_MAX_BYTES,
    maxAgeMs: config.TIMELINE_MAX_AGE_MS,
  }).catch((err: unknown) => log.warn('timeline.stream_failed', { err }));
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
): void {
  const timeline = openTimeline(bus, 'notifier', config, lifecycle);
  const prefix = config.QUEUE_PREFIX;
  const instance = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const redis = connectRedis(config, lifecycle, log);
  const client = endpointClient(config);
  lifecycle.onStop('connections to endpoints', () => client.close());

  const queue = openQueue(redis, prefix);
  queue.on('error', (error) => log.debug('queue.error', { err: error }));
  lifecycle.onStop('queue', () => queue.close());

  const backlog = new Backlog(redis, prefix);
  const deadLetters = new DeadLetters(redis, prefix);
  const limits = { max: config.DEAD_LETTER_MAX, maxAgeMs: config.DEAD_LETTER_MAX_AGE_MS };
  lifecycle.onStop('dead letters', trimDeadLetters(deadLetters, limits, redis, clock, log));

  const slots = new Slots(config.NOTIFY_CONCURRENCY);
  const endpoints = new Endpoints(redis, prefix);
  observeNotifier({ redis, queue, deadLetters, endpoints, bus });
  const gate = new EndpointGate(endpoints, slots, gateOptions(config), clock, log);
  const delivery = new Delivery({
    deadLetters,
    gate,
    clock,
    log,
    timeline,
    attempts: new Attempts(client, attemptOptions(config), clock),
    retry: retryPolicy(config),
  });
  const drain = new Drain(backlog, delivery);
  const lease = new ReaderLease(redis, prefix, instance, config.TAKEOVER_MS);
  const times = { dedupMs: config.DEDUP_MS, holdMs: attemptMs(config) + config.TAKEOVER_MS };
  const direct = new Direct({ backlog, times, queue, lease, drain, slots, log });
  const worker = new CallWorker(
    redis,
    queue,
    {
      prefix,
      instance,
      concurrency: config.NOTIFY_CONCURRENCY,
      attemptMs: attemptMs(config),
      takeoverMs: config.TAKEOVER_MS,
      run: callJob(backlog, drain, (jobId) => `${queue.toKey(jobId)}:lock`),
    },
    log,
  );
  lifecycle.check('queue', () => worker.problem());
  lifecycle.onStop('deliveries', async () => {
    // While Redis is away nothing in hand could be written down: the stream keeps it.
    await Promise.all([worker.stop(), redis.status === 'ready' ? direct.settled() : undefined]);
  });

  const intake = new Intake(bus, () => makeStreams(bus, config, log), lease, direct, log);
  lifecycle.check('intake', () => intake.problem());
  lifecycle.onStop('intake', async () => {
    drain.stop();
    await intake.stop();
    // Not waited for: should Redis not answer, the lease is free again in a few seconds all the same.
    lease.leave().catch((error: unknown) => log.debug('stream.lease_error', { err: error }));
  });
  publishStatus(bus, lifecycle, {
    service: 'notifier',
    figures: async () => ({
      deliveries_in_flight: slots.used,
      timeline_dropped: timeline.dropped,
      ...(bus.connected ? await progressLag(bus).catch(() => ({})) : {}),
      ...(redis.status === 'ready' ? await queueFigures(queue, deadLetters).catch(() => ({})) : {}),
    }),
  });
}
