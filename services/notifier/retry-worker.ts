import { DelayedError, isNotConnectionError, type Job, type Queue, Worker } from 'bullmq';
import type { Claims } from '#libs/queue/claims.ts';
import { retryPrefix } from '#libs/queue/keys.ts';
import type { RedisClient } from '#libs/queue/redis.ts';
import { type CallJob, RETRY_QUEUE } from '#libs/queue/retry-queue.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { CallDelivery } from './call-delivery.ts';

export interface RetryWorkerOptions {
  readonly prefix: string;
  /** Instance id of this notifier. */
  readonly instance: string;
  /** Jobs run at once. */
  readonly concurrency: number;
  /** The longest that one attempt can take, ms. */
  readonly attemptMs: number;
  /** How long after the death of this process, beyond `attemptMs`, another runs its jobs, ms. */
  readonly takeoverMs: number;
  /** Interval of canaries, ms; default 2 s. */
  readonly canaryMs?: number;
  /** After how long without any job the worker counts as dead, ms; default at least 15 s. */
  readonly silentMs?: number;
  readonly run: (job: Job<CallJob>, token: string) => Promise<void>;
}

/** A job without work. That it is run shows that the queue works. */
const CANARY = 'canary';
const CANARY_MS = 2_000;
const SILENT_MS = 15_000;
const STALLED_CHECK_MAX_MS = 3_000;
const RETRY_MS = 500;
/** The longest that a worker blocks on its connection for a job, in seconds. */
const BLOCK_S = 2;
/** When a job looks again at a call that is claimed, at the latest, ms. */
const LOOK_AGAIN_MS = 1_000;

/** Delivers for a call as its retry job: waiting -> claimed. While the call waits, so does the job, in BullMQ. */
export function retryJob(claims: Claims, delivery: CallDelivery, instance: string) {
  let tokens = 0;
  const later = async (job: Job<CallJob>, token: string, ms: number): Promise<never> => {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  };
  /** @throws {DelayedError} when the job is to run again later: that is how BullMQ wants to know. */
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
 * BullMQ's worker for the retry queue, and the proof that it works. After an outage of Redis a worker may look well and
 * never take a job again. So canaries are sent through the queue: when this worker has run no job at all for a time
 * although Redis is connected, its connections and the worker are replaced. Any job counts, as a canary may go to another
 * notifier. While Redis answers and refuses writes (full memory, full disk) nothing is replaced.
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
  /** When Redis last refused the canary, or the worker was opened. */
  #refusedAt = performance.now();
  #refusal: string | undefined;
  #canarySending = false;

  constructor(redis: RedisClient, queue: Queue, options: RetryWorkerOptions, log: Log) {
    this.#redis = redis;
    this.#queue = queue;
    this.#options = options;
    this.#silentMs = options.silentMs ?? Math.max(SILENT_MS, 2 * options.attemptMs);
    this.#log = log;
    this.#worker = this.#open();
    this.#timer = setInterval(() => this.#tick(), options.canaryMs ?? CANARY_MS);
    // A notifier is ready when its first canary has been run: that must not wait for the timer.
    if (redis.status === 'ready') this.#tick();
    else redis.once('ready', this.#onReady);
  }

  /** For /readyz: what is wrong, in words. */
  problem(): string | undefined {
    if (this.#refusal !== undefined) return `Redis refuses writes: ${this.#refusal}`;
    if (this.#lastJobAt === undefined) return 'no job has come through the retry queue yet';
    const silentMs = Math.round(performance.now() - this.#lastJobAt);
    return silentMs < this.#silentMs
      ? undefined
      : `no job has come through the retry queue for ${silentMs} ms`;
  }

  /** Takes no more jobs and waits for those that run, unless Redis is away. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#onReady);
    await this.#worker.close(this.#redis.status !== 'ready');
  }

  #open(): Worker<CallJob> {
    const { prefix, instance, concurrency, attemptMs, takeoverMs, run } = this.#options;
    const process = async (job: Job<CallJob>, token = '') => {
      this.#lastJobAt = performance.now();
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
      // A call whose workers die is recovered however often that happens.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_MS,
    });
    worker.on('error', (error) => {
      if (isNotConnectionError(error)) this.#log.error('queue.error', { err: error });
    });
    worker.on('failed', (job, error) =>
      this.#log.error('delivery.failed', { err: error, call: job?.data.call }),
    );
    worker.on('stalled', (job) => this.#log.warn('delivery.recovered', { job }));
    return worker;
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
    this.#refusal = error.message;
    this.#refusedAt = performance.now();
  }

  #replace(): void {
    this.#log.error('queue.worker_restarted', { silent_ms: this.#silentMs });
    const old = this.#worker;
    this.#refusedAt = performance.now();
    // Commands sent on a connection that is dead without knowing it are sent again on the new one.
    this.#redis.disconnect(true);
    this.#worker = this.#open();
    old.close(true).catch((error: unknown) => this.#log.warn('queue.error', { err: error }));
  }
}
