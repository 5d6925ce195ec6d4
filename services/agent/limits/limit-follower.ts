import { setTimeout as pause } from 'node:timers/promises';
import type { LimitReader, LimitStream } from '#libs/bus/limit-stream.ts';
import { isNotPermitted } from '#libs/bus/streams.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Log } from '#libs/telemetry/log.ts';

/** Wait before the stream is read again, ms; with the second one a user without permission. */
const RETRY_MS = 500;
const FORBIDDEN_MS = 60_000;
/**
 * Interval at which the stream is read from its beginning: a consumer can miss messages when a server of a NATS cluster
 * crashes.
 */
const REREAD_MS = 60_000;

export interface LimitFollowerOptions {
  readonly stream: Pick<LimitStream, 'exists' | 'follow' | 'recheck'>;
  /** Called each time before the stream is read from its beginning. */
  readonly openReader: () => LimitReader;
  /** Default: REREAD_MS. */
  readonly rereadMs: number | undefined;
  /** Called once, when following starts. */
  readonly onStart: () => void;
  readonly log: Log;
}

/** One reader of the stream. */
interface Reading {
  /** Whether it has reached the end of the stream; false when it has ended before. */
  readonly hasCaughtUp: Promise<boolean>;
  /** Fires when it is stopped or lost. */
  readonly over: AbortSignal;
  /** Resolves when it has ended, with the error if there was one. */
  readonly ended: Promise<Error | undefined>;
  readonly stop: () => Promise<unknown>;
}

/**
 * Follows the stream of limits, and reads it again every minute and when its reader was lost. A reader continues until the
 * next one has caught up, so that no call waits while the stream is read again.
 */
export class LimitFollower {
  readonly #options: LimitFollowerOptions;
  readonly #ended = new AbortController();
  #following: Promise<void> | undefined;

  constructor(options: LimitFollowerOptions) {
    this.#options = options;
  }

  /** Does nothing when it has started. */
  start(): void {
    this.#following ??= this.#run();
  }

  /** Starts if an agent has created the stream. */
  startIfExists(): void {
    const { stream, log } = this.#options;
    const check = async () => {
      while (!this.#ended.signal.aborted && this.#following === undefined) {
        const exists = await stream.exists().catch((err: unknown) => {
          if (isNotPermitted(err)) log.warn('limit.read_failed', { err });
          return isNotPermitted(err) ? false : undefined;
        });
        if (exists) this.start();
        if (exists !== undefined) return;
        await this.#pause(RETRY_MS);
      }
    };
    inBackground(log, 'check for limits', check());
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#following;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    const { stream, rereadMs = REREAD_MS, onStart, log } = this.#options;
    onStart();
    let current: Reading | undefined;
    for (let logged = ''; !signal.aborted; ) {
      const started = performance.now();
      const next = this.#read();
      if (await next.hasCaughtUp) {
        logged = '';
        await current?.stop();
        current = next;
        await pause(rereadMs, undefined, { signal: next.over, ref: false }).catch(() => {});
      }
      if (!next.over.aborted) continue;
      const err = await next.ended;
      stream.recheck();
      if (err !== undefined && err.message !== logged) log.warn('limit.read_failed', { err });
      logged = err?.message ?? '';
      const waitMs = isNotPermitted(err) ? FORBIDDEN_MS : RETRY_MS;
      if (err !== undefined || performance.now() - started < RETRY_MS) await this.#pause(waitMs);
    }
    await current?.stop();
  }

  #read(): Reading {
    const { stream, openReader } = this.#options;
    const over = new AbortController();
    this.#ended.signal.addEventListener('abort', () => over.abort(), { signal: over.signal });
    const { promise: hasCaughtUp, resolve } = Promise.withResolvers<boolean>();
    const { onMessage, onCaughtUp } = openReader();
    const reader = {
      onMessage,
      onCaughtUp: () => {
        onCaughtUp();
        resolve(true);
      },
    };
    const ended = stream
      .follow(reader, over.signal)
      .then(() => undefined)
      .catch((error: Error) => error)
      .finally(() => {
        over.abort();
        resolve(false);
      });
    const stop = () => {
      over.abort();
      return ended;
    };
    return { hasCaughtUp, over: over.signal, ended, stop };
  }

  async #pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#ended.signal, ref: false }).catch(() => {});
  }
}
