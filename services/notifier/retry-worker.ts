import { DelayedError, isNotConnectionError, type Job, type Queue, Worker } from 'bullmq';
import type { Claims } from '#libs/queue/claims.ts';
import { retryPrefix } from '#libs/queue/keys.ts';
import { type RedisClient, refusalText } from '#libs/queue/redis.ts';
import { type CallJob, RETRY_QUEUE } from '#libs/queue/retry-queue.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { CallDelivery } from './call-delivery.ts';

export interface RetryWorkerOptions {
  readonly prefix: string;
  /** Instance id of this notifier. */
  readonly instance: string;
  /** Maximum number of jobs that run at once. */
  readonly concurrency: number;
  /** The longest that one attempt can take, ms. */
  readonly attemptMs: number;
  /** Time after a crash of this process, beyond `attemptMs`, until another notifier runs its jobs, ms. */
  readonly takeoverMs: number;
  /** Interval between canary jobs, ms. Default: 2 s. */
  readonly canaryMs?: number;
  /** Time without any job after which the worker is replaced, ms. Default: at least 15 s. */
  readonly silentMs?: number;
  readonly run: (job: Job<CallJob>, token: string) => Promise<void>;
}

/** Name of a job that does nothing. That it runs shows that the queue works. */
const CANARY = 'canary';
const CANARY_MS = 2_000;
const SILENT_MS = 15_000;
const STALLED_CHECK_MAX_MS = 3_000;
const RETRY_MS = 500;
/** Longest time that a worker blocks on its connection while it waits for a job, in seconds. */
const BLOCK_S = 2;
/** Longest delay before a job checks again whether a claimed call is free, ms. */
const LOOK_AGAIN_MS = 1_000;

/**
 * The processor of retry jobs: claims the call (waiting -> claimed) and delivers its notifications. While the call
 * waits for its next attempt, BullMQ delays the job.
 */
export function retryJob(claims: Claims, delivery: CallDelivery, instance: string) {
  let tokens = 0;
  const later = async (job: Job<CallJob>, token: string, ms: number): Promise<never> => {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  };
  /** @throws {DelayedError} when the job must run again later, as BullMQ requires. */
  return async (job: Job<CallJob>, token: string): Promise<void> => {
    const claiming = await claims.claim(job.data.call, `${instance}:job:${++tokens}`);
    if (claiming.kind === 'busy') return later(job, token, Math.min(claiming.ms, LOOK_AGAIN_MS));
    if (claiming.kind === 'idle') return undefined;
    const result = await delivery.run(claiming.claim, claiming.first, {});
    if (result.kind === 'waiting') return later(job, token, result.ms);
    return undefined;
  };
}

async function sendCanary(queue: Queue, from: string): Promise<void> {
  await queue.add(CANARY, {}, { lifo: true, deduplication: { id: `${CANARY}:${from}` } });
}

/**
 * BullMQ's worker for the retry queue, and a watchdog for it. After an outage of Redis a worker can look healthy and
 * never take a job again. Therefore canary jobs are sent through the queue. When this worker has run no job for a time
 * although Redis is connected, the connections and the worker are replaced. Any job counts, because another notifier
 * may have run the canary. While Redis refuses writes (full memory or disk) nothing is replaced.
 */
export class RetryWorker {
  readonly #redis: RedisClient;
  readonly #queue: Queue;
  readonly #options: RetryWorkerOptions;
  readonly #silentMs: number;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #onReady = () => this.#tick();
  #worker: Worker<CallJob>;
  #lastJobAt: number | undefined;
  /** When Redis last refused a canary, or the worker was created. */
  #refusedAt = performance.now();
  #refusal: string | undefined;
  /** The worker's last error since a job ran. */
  #error: string | undefined;
  #canarySending = false;

  constructor(redis: RedisClient, queue: Queue, options: RetryWorkerOptions, log: Log) {
    this.#redis = redis;
    this.#queue = queue;
    this.#options = options;
    this.#silentMs = options.silentMs ?? Math.max(SILENT_MS, 2 * options.attemptMs);
    this.#log = log;
    this.#worker = this.#open();
    this.#timer = setInterval(() => this.#tick(), options.canaryMs ?? CANARY_MS);
    // Readiness depends on the first canary, so it must not wait for the timer.
    if (redis.status === 'ready') this.#tick();
    else redis.once('ready', this.#onReady);
  }

  /** The failed check for /readyz; undefined when the worker is healthy. */
  problem(): string | undefined {
    if (this.#refusal !== undefined) return `Redis refuses writes: ${this.#refusal}`;
    if (this.#lastJobAt === undefined) return 'no job has come through the retry queue yet';
    const silentMs = Math.round(performance.now() - this.#lastJobAt);
    return silentMs < this.#silentMs
      ? undefined
      : `no job has come through the retry queue for ${silentMs} ms`;
  }

  /** Stops taking jobs and waits for running ones. Does not wait while Redis is disconnected. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#onReady);
    await this.#worker.close(this.#redis.status !== 'ready');
  }

  #open(): Worker<CallJob> {
    const { prefix, instance, concurrency, attemptMs, takeoverMs, run } = this.#options;
    const process = async (job: Job<CallJob>, token = '') => {
      this.#lastJobAt = performance.now();
      this.#error = undefined;
      if (job.name === CANARY) return;
      await run(job, token).finally(() => {
        this.#lastJobAt = performance.now();
      });
    };
    const worker = new Worker<CallJob>(RETRY_QUEUE, process, {
      connection: this.#redis,
      prefix: retryPrefix(prefix),
      name: instance,
      concurrency,
      lockDuration: attemptMs + takeoverMs,
      stalledInterval: Math.min(STALLED_CHECK_MAX_MS, takeoverMs / 2),
      drainDelay: BLOCK_S,
      // A job is recovered however often its worker has crashed.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_MS,
    });
    worker.on('error', (error) => {
      if (isNotConnectionError(error)) this.#failed(worker, error);
    });
    worker.on('failed', (job, error) =>
      this.#log.error('delivery.failed', { err: error, call: job?.data.call }),
    );
    worker.on('stalled', (job) => this.#log.warn('delivery.recovered', { job }));
    return worker;
  }

  /** Redis refused a command of the worker, which would repeat it at once, thousands of times a second. */
  #failed(worker: Worker<CallJob>, error: Error): void {
    if (error.message !== this.#error) this.#log.error('queue.error', { err: error });
    this.#error = error.message;
    if (worker.isPaused()) return;
    const swallow = (err: unknown) => this.#log.debug('queue.error', { err });
    worker.pause(true).catch(swallow);
    setTimeout(() => {
      if (worker === this.#worker && !worker.closing) worker.resume().catch(swallow);
    }, RETRY_MS);
  }

  #tick(): void {
    if (this.#redis.status !== 'ready') return;
    const lastSign = Math.max(this.#lastJobAt ?? 0, this.#refusedAt);
    if (performance.now() - lastSign >= this.#silentMs) this.#replace();
    if (this.#canarySending) return;
    this.#canarySending = true;
    sendCanary(this.#queue, this.#options.instance)
      .then(
        () => this.#accepted(),
        (error: Error) => this.#refused(error),
      )
      .finally(() => {
        this.#canarySending = false;
      });
  }

  #accepted(): void {
    if (this.#refusal !== undefined) this.#log.info('redis.writes_accepted');
    this.#refusal = undefined;
  }

  #refused(error: Error): void {
    if (this.#refusal === undefined) this.#log.error('redis.writes_refused', { err: error });
    this.#refusal = refusalText(error);
    this.#refusedAt = performance.now();
  }

  #replace(): void {
    this.#log.error('queue.worker_restarted', { silent_ms: this.#silentMs });
    const old = this.#worker;
    this.#refusedAt = performance.now();
    // Resends commands that were written to a broken connection which has not reported an error yet.
    this.#redis.disconnect(true);
    this.#worker = this.#open();
    old.close(true).catch((error: unknown) => this.#log.warn('queue.error', { err: error }));
  }
}
