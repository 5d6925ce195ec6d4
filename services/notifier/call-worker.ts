import { isNotConnectionError, type Job, type Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { type CallJob, QUEUE } from '#libs/queue/queue.ts';
import type { Log } from '#libs/telemetry/log.ts';

export interface CallWorkerOptions {
  readonly prefix: string;
  /** This process, among all notifiers. */
  readonly instance: string;
  readonly concurrency: number;
  /** The longest that one attempt at delivering can take, in milliseconds. */
  readonly attemptMs: number;
  /** How long after this process's death another takes up its calls, beyond `attemptMs`, in milliseconds. */
  readonly takeoverMs: number;
  /** How often a canary is sent through the queue, in milliseconds; 2 s without it. */
  readonly canaryMs?: number;
  /** After how long without any job the worker counts as dead, in milliseconds; at least 15 s without it. */
  readonly silentMs?: number;
  readonly run: (job: Job<CallJob>, token: string) => Promise<void>;
}

/** A job that carries nothing: that one comes back says that the queue works. */
const CANARY = 'canary';
const CANARY_MS = 2_000;
const SILENT_MS = 15_000;
const STALLED_CHECK_MAX_MS = 3_000;
const RETRY_MS = 500;
/** The longest that a worker waits on its connection for a job, in seconds. */
const BLOCK_S = 2;

async function sendCanary(queue: Queue, from: string): Promise<void> {
  await queue.add(CANARY, {}, { lifo: true, deduplication: { id: `${CANARY}:${from}` } });
}

/**
 * BullMQ's worker, and the proof that it works. A worker may look well and never take a job again after an outage of
 * Redis, so canaries are sent through the queue: when no job at all has come to this worker for a time although Redis
 * is connected, its connections are made anew, and it too. Any job counts, as a canary may go to another notifier.
 * While Redis answers and refuses what is written, being full or its disk, there is nothing to be made anew.
 */
export class CallWorker {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #options: CallWorkerOptions;
  readonly #silentMs: number;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #onReady = () => this.#tick();
  #worker: Worker<CallJob>;
  #heardAt: number | undefined;
  /** When Redis last answered without taking the canary, or the worker was opened. */
  #answeredAt = performance.now();
  #refusal: string | undefined;
  #canaryOnItsWay = false;

  constructor(redis: Redis, queue: Queue, options: CallWorkerOptions, log: Log) {
    this.#redis = redis;
    this.#queue = queue;
    this.#options = options;
    this.#silentMs = options.silentMs ?? Math.max(SILENT_MS, 2 * options.attemptMs);
    this.#log = log;
    this.#worker = this.#open();
    this.#timer = setInterval(() => this.#tick(), options.canaryMs ?? CANARY_MS);
    // A notifier is ready when its first canary has come back: that must not wait for the timer.
    if (redis.status === 'ready') this.#tick();
    else redis.once('ready', this.#onReady);
  }

  /** For /readyz: what is wrong, in words. */
  problem(): string | undefined {
    if (this.#refusal !== undefined) return `Redis refuses what is written: ${this.#refusal}`;
    if (this.#heardAt === undefined) return 'no job has come through the queue yet';
    const silentMs = Math.round(performance.now() - this.#heardAt);
    return silentMs < this.#silentMs ? undefined : `no job has come through the queue for ${silentMs} ms`;
  }

  /** Takes no more jobs and waits for those in hand, unless Redis is away and could not be told anyway. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#onReady);
    await this.#worker.close(this.#redis.status !== 'ready');
  }

  #open(): Worker<CallJob> {
    const { prefix, instance, concurrency, attemptMs, takeoverMs, run } = this.#options;
    const process = async (job: Job<CallJob>, token = '') => {
      this.#heardAt = performance.now();
      if (job.name === CANARY) return;
      await run(job, token).finally(() => {
        this.#heardAt = performance.now();
      });
    };
    const worker = new Worker<CallJob>(QUEUE, process, {
      connection: this.#redis,
      prefix,
      name: instance,
      concurrency,
      // Longer than an attempt: with a shorter one another worker could make the same attempt meanwhile.
      lockDuration: attemptMs + takeoverMs,
      stalledInterval: Math.min(STALLED_CHECK_MAX_MS, takeoverMs / 2),
      drainDelay: BLOCK_S,
      // A call whose workers die is taken up again however often that happens.
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
    const lastSign = Math.max(this.#heardAt ?? 0, this.#answeredAt);
    if (performance.now() - lastSign >= this.#silentMs) this.#renew();
    if (this.#canaryOnItsWay) return;
    this.#canaryOnItsWay = true;
    sendCanary(this.#queue, this.#options.instance)
      .then(
        () => this.#accepted(),
        (error: Error) => this.#refused(error),
      )
      .finally(() => {
        this.#canaryOnItsWay = false;
      });
  }

  #accepted(): void {
    if (this.#refusal !== undefined) this.#log.info('redis.writes_accepted');
    this.#refusal = undefined;
  }

  #refused(error: Error): void {
    if (this.#refusal === undefined) this.#log.error('redis.writes_refused', { err: error });
    this.#refusal = error.message;
    this.#answeredAt = performance.now();
  }

  #renew(): void {
    this.#log.error('queue.worker_restarted', { silent_ms: this.#silentMs });
    const old = this.#worker;
    this.#answeredAt = performance.now();
    // What hangs on a connection that is dead without knowing it is sent again on the new one.
    this.#redis.disconnect(true);
    this.#worker = this.#open();
    old.close(true).catch((error: unknown) => this.#log.warn('queue.error', { err: error }));
  }
}
