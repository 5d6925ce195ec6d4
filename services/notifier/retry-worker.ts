import { isNotConnectionError, type Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import { retryPrefix } from '#libs/queue/keys.ts';
import { type RedisClient, refusalText } from '#libs/queue/redis.ts';
import type { RepairResult } from '#libs/queue/repair.ts';
import { type CallJob, RETRY_QUEUE } from '#libs/queue/retry-queue.ts';
import { isWrongType } from '#libs/queue/wrong-type.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { count } from '#libs/telemetry/metrics.ts';

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
  /** Interval between two checks of the queue, for all notifiers together, ms. */
  readonly checkMs: number;
  readonly repair: QueueRepair;
}

/** See `libs/queue/repair.ts`. */
export interface QueueRepair {
  /** Repairs the keys that all jobs share. Takes a few commands. */
  keys(): Promise<void>;
  /**
   * Repairs the whole queue. Called at intervals, and `thorough` when BullMQ cannot read a key or a job. `signal` aborts it
   * when the worker stops.
   */
  queue(thorough: boolean, signal: AbortSignal): Promise<RepairResult>;
}

/** Name of a job that does nothing. That it runs shows that the queue works. */
const CANARY = 'canary';
const CANARY_MS = 2_000;
const SILENT_MS = 15_000;
const STALLED_CHECK_MAX_MS = 3_000;
const RETRY_MS = 500;
/**
 * Least time between two checks for each job in the queue, ms: ten times the CPU time to check it. The duration of a check
 * says nothing about a large queue: it is long, too, while the machine is busy.
 */
const CHECK_PER_JOB_MS = 1;
/**
 * A thorough repair that finds no lost job is not repeated before this many times its duration, at the latest after the
 * interval between two checks.
 */
const THOROUGH_SHARE = 10;
/** Longest time that a worker blocks on its connection while it waits for a job, in seconds. */
const BLOCK_S = 2;

/** BullMQ's worker, which a job with data that are not JSON would stop: such a job runs without data and fails. */
class TolerantWorker extends Worker<CallJob> {
  protected override createJob(...[data, id]: Parameters<Worker<CallJob>['createJob']>): Job<CallJob> {
    try {
      return super.createJob(data, id);
    } catch {
      return super.createJob({ ...data, data: '{}' }, id);
    }
  }
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
  readonly #stopping = new AbortController();
  #repairing: Promise<void> | undefined;
  /** BullMQ has met a key or job that it cannot read, and no repair has ended since. */
  #isDamaged = false;
  /** When the next check is due. */
  #checkAt: number;
  /** When the next thorough repair may start. */
  #thoroughAt = 0;

  constructor(redis: RedisClient, queue: Queue, options: RetryWorkerOptions, log: Log) {
    this.#redis = redis;
    this.#queue = queue;
    this.#options = options;
    this.#silentMs = options.silentMs ?? Math.max(SILENT_MS, 2 * options.attemptMs);
    this.#log = log;
    this.#checkAt = performance.now() + options.checkMs;
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

  /** Stops taking jobs and waits for running ones, and for a repair. Does not wait while Redis is disconnected. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#onReady);
    const isConnected = this.#redis.status === 'ready';
    await this.#worker.close(!isConnected);
    if (isConnected) await this.#repairing;
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
    const worker = new TolerantWorker(RETRY_QUEUE, process, {
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
    worker.on('failed', (job, error) => {
      // Set aside and logged already.
      if (error instanceof UnrecoverableError) return;
      this.#log.error('delivery.failed', { err: error, call: job?.data.call });
    });
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
    this.#repair(error);
    setTimeout(() => {
      if (worker === this.#worker && !worker.closing) worker.resume().catch(swallow);
    }, RETRY_MS);
  }

  /**
   * Other errors than those of a connection or of a Redis that refuses writes are those of a key or a job. Redis begins the
   * error of a script that meets a corrupt value with ERR.
   */
  #repair(error: Error): void {
    const isCorrupt =
      isWrongType(error) ||
      error.message.startsWith('ERR ') ||
      error instanceof SyntaxError ||
      error instanceof TypeError;
    if (!isCorrupt) return;
    this.#isDamaged = true;
    this.#startRepair();
  }

  /** Starts a repair or a check that is due, unless one runs. */
  #startRepair(): void {
    const now = performance.now();
    if (this.#repairing || this.#stopping.signal.aborted) return;
    const thorough = this.#isDamaged && now >= this.#thoroughAt;
    if (thorough || now >= this.#checkAt) this.#repairing = this.#repairQueue(thorough, now);
    else if (this.#isDamaged) this.#repairing = this.#repairKeys();
  }

  async #repairQueue(thorough: boolean, startedAt: number): Promise<void> {
    if (thorough) this.#isDamaged = false;
    const { repair, checkMs } = this.#options;
    let [lost, jobs] = [0, 0];
    try {
      ({ lost, jobs } = await repair.queue(thorough, this.#stopping.signal));
    } catch (err) {
      this.#isDamaged ||= thorough;
      this.#repairFailed(err);
    }
    const restMs = lost > 0 ? 0 : THOROUGH_SHARE * (performance.now() - startedAt);
    this.#checkAt = performance.now() + Math.max(checkMs, CHECK_PER_JOB_MS * jobs);
    if (thorough) this.#thoroughAt = performance.now() + Math.min(checkMs, restMs);
    this.#repairing = undefined;
    if (lost === 0) return;
    count('dialhook.queue.jobs_lost', {}, lost);
    this.#log.error('queue.jobs_lost', { calls: lost });
  }

  /** A key that stops every worker must not wait until the next thorough repair may start. */
  async #repairKeys(): Promise<void> {
    await this.#options.repair.keys().catch((err: unknown) => this.#repairFailed(err));
    this.#repairing = undefined;
  }

  #repairFailed(err: unknown): void {
    if (!this.#stopping.signal.aborted) this.#log.warn('queue.repair_failed', { err });
  }

  #tick(): void {
    if (this.#redis.status !== 'ready') return;
    const lastActivityAt = Math.max(this.#lastJobAt ?? 0, this.#refusedAt);
    if (performance.now() - lastActivityAt >= this.#silentMs) this.#replace();
    this.#startRepair();
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
    this.#repair(error);
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
