import { isNotConnectionError, type Job, type Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Log } from '#libs/telemetry/log.ts';
import { CANARY, type CallJob, QUEUE, sendCanary } from './queue.ts';

export interface CallWorkerOptions {
  readonly prefix: string;
  /** This process, among all notifiers. */
  readonly instance: string;
  readonly concurrency: number;
  /** The longest that one attempt at delivering can take, in milliseconds. */
  readonly attemptMs: number;
  /** How often a canary is sent through the queue, in milliseconds; 2 s without it. */
  readonly canaryMs?: number;
  /** After how long without any job the worker counts as dead, in milliseconds; at least 15 s without it. */
  readonly silentMs?: number;
  readonly run: (job: Job<CallJob>, token: string) => Promise<void>;
}

const CANARY_MS = 2_000;
const SILENT_MS = 15_000;
const LOCK_MARGIN_MS = 5_000;
const STALLED_CHECK_MS = 3_000;
const RETRY_MS = 500;

/**
 * BullMQ's worker, and the proof that it works. A worker may look well and never take a job again after an outage of
 * Redis, so canaries are sent through the queue: when no job at all has come to this worker for a time although Redis
 * is connected, its connections are made anew, and it too. Any job counts, as a canary may go to another notifier.
 */
export class CallWorker {
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #options: CallWorkerOptions;
  readonly #silentMs: number;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #worker: Worker<CallJob>;
  #heardAt: number | undefined;
  #openedAt = performance.now();
  #canaryOnItsWay = false;

  constructor(redis: Redis, queue: Queue, options: CallWorkerOptions, log: Log) {
    this.#redis = redis;
    this.#queue = queue;
    this.#options = options;
    this.#silentMs = options.silentMs ?? Math.max(SILENT_MS, 2 * options.attemptMs);
    this.#log = log;
    this.#worker = this.#open();
    this.#timer = setInterval(() => this.#tick(), options.canaryMs ?? CANARY_MS);
    this.#tick();
  }

  /** For /readyz: what is wrong, in words. */
  problem(): string | undefined {
    if (this.#heardAt === undefined) return 'no job has come through the queue yet';
    const silentMs = Math.round(performance.now() - this.#heardAt);
    return silentMs < this.#silentMs ? undefined : `no job has come through the queue for ${silentMs} ms`;
  }

  /** Takes no more jobs and waits for those in hand, unless Redis is away and could not be told anyway. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#worker.close(this.#redis.status !== 'ready');
  }

  #open(): Worker<CallJob> {
    const { prefix, instance, concurrency, attemptMs, run } = this.#options;
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
      lockDuration: attemptMs + LOCK_MARGIN_MS,
      stalledInterval: STALLED_CHECK_MS,
      // A call whose workers die is taken up again however often that happens.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_MS,
    });
    worker.on('error', (error) => {
      if (isNotConnectionError(error)) this.#log.error({ err: error }, 'the worker reports an error');
    });
    worker.on('failed', (job, error) =>
      this.#log.error(
        { err: error, call: job?.data.call },
        'delivering for a call failed; it is tried again',
      ),
    );
    worker.on('stalled', (job) => this.#log.warn({ job }, "took up a call that a worker's end had left"));
    return worker;
  }

  #tick(): void {
    if (this.#redis.status !== 'ready') return;
    const lastSign = Math.max(this.#heardAt ?? 0, this.#openedAt);
    if (performance.now() - lastSign >= this.#silentMs) this.#renew();
    if (this.#canaryOnItsWay) return;
    this.#canaryOnItsWay = true;
    sendCanary(this.#queue, this.#options.instance)
      .catch((error: unknown) => this.#log.warn({ err: error }, 'a canary could not be sent'))
      .finally(() => {
        this.#canaryOnItsWay = false;
      });
  }

  #renew(): void {
    this.#log.error({ silent_ms: this.#silentMs }, 'no job comes through the queue: worker made anew');
    const old = this.#worker;
    this.#openedAt = performance.now();
    // What hangs on a connection that is dead without knowing it is sent again on the new one.
    this.#redis.disconnect(true);
    this.#worker = this.#open();
    old.close(true).catch((error: unknown) => this.#log.warn({ err: error }, 'the old worker'));
  }
}
