import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { CallEvent } from './call/notification.ts';
import { synthesizedHangup } from './live-call.ts';

/** Calls looked up in FreeSWITCH, or closed, at once. */
const CHUNK_SIZE = 500;
/** Upper bound of the interval after a comparison that failed. */
const RETRY_MS = 5_000;

const Channels = z.object({ rows: z.array(z.object({ uuid: z.string() })).default([]) });

export interface ReconcilerOptions {
  /** Runs an api command of FreeSWITCH. */
  readonly api: (command: string) => Promise<string>;
  readonly nodeName: string | undefined;
  readonly live: LiveCalls;
  readonly buffer: RetryBuffer<CallEvent>;
  readonly intervalMs: number;
  /** How long the real hangup may still be on its way after FreeSWITCH has stopped listing the call. */
  readonly confirmMs: number;
  /** How long after its start FreeSWITCH may still bring calls back (`sofia recover`). */
  readonly restartWaitMs: number;
  /** Called for each call for which a hangup is synthesized. */
  readonly onClosed?: (uuid: string) => void;
  readonly log: Log;
}

/**
 * Compares the live calls of this node with FreeSWITCH's channels and publishes a synthesized hangup for each call that
 * FreeSWITCH no longer has. Runs when the event socket connects (`reconcile`) and every `intervalMs`, because
 * FreeSWITCH can drop events silently.
 *
 * Nothing is closed in the first `restartWaitMs` after FreeSWITCH has started: `sofia recover` brings calls of a crashed
 * FreeSWITCH back. Then a call is closed when all of these hold, in this order: `uuid_exists` says false; `confirmMs` later no hangup of it
 * was published or is buffered; `show channels` does not list it. FreeSWITCH sends the hangup event before a channel
 * leaves that list, so a real hangup always wins.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #ended = new AbortController();
  readonly #whenEnded: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #isUptimeUnknown = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#whenEnded = new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Starts a comparison. While one is running, another one is queued. */
  reconcile(): void {
    if (this.#ended.signal.aborted) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { intervalMs, log } = this.#options;
    clearTimeout(this.#timer);
    let nextMs = intervalMs;
    while (this.#again && !this.#ended.signal.aborted) {
      this.#again = false;
      try {
        nextMs = Math.min(intervalMs, (await this.#reconcileOnce()) ?? intervalMs);
      } catch (err) {
        if (this.#ended.signal.aborted) return;
        nextMs = Math.min(intervalMs, RETRY_MS);
        log.warn('live_call.reconcile_failed', { err });
      }
    }
    if (!this.#ended.signal.aborted) this.#timer = setTimeout(() => this.reconcile(), nextMs);
  }

  /** Resolves with the milliseconds until the wait after a restart of FreeSWITCH ends; undefined when it has ended. */
  async #reconcileOnce(): Promise<number | undefined> {
    const { api, live, confirmMs, log } = this.#options;
    const node = this.#options.nodeName ?? (await api('switchname')).trim();
    const begun = performance.now();
    const uuids = await live.uuids(node);
    const gone = await this.#gone(uuids);
    log.debug('live_call.reconciled', {
      node,
      live: uuids.length,
      gone: gone.length,
      ms: Math.round(performance.now() - begun),
    });
    if (gone.length === 0) return undefined;
    const waitMs = await this.#restartWait();
    if (waitMs > 0) {
      log.info('live_call.restart_wait', { node, gone: gone.length, ms: waitMs });
      return waitMs;
    }
    await sleep(confirmMs, undefined, { signal: this.#ended.signal });
    const open = gone.filter((uuid) => this.#isOpen(node, uuid));
    if (open.length === 0) return undefined;
    const channels = await this.#channels();
    const closed = await this.#close(
      node,
      open.filter((uuid) => !channels.has(uuid)),
    );
    const ms = Math.round(performance.now() - begun);
    if (closed > 0) log.warn('live_call.closed', { node, closed, live: uuids.length, ms });
    return undefined;
  }

  /** Milliseconds for which nothing may be closed, because FreeSWITCH has started a moment ago. */
  async #restartWait(): Promise<number> {
    const { api, restartWaitMs, log } = this.#options;
    if (restartWaitMs === 0) return 0;
    const uptimeMs = Number(await api('uptime ms').catch(() => ''));
    if (uptimeMs > 0) return Math.max(0, Math.ceil(restartWaitMs - uptimeMs));
    if (!this.#isUptimeUnknown) log.warn('live_call.uptime_unknown');
    this.#isUptimeUnknown = true;
    return 0;
  }

  /** Whether no hangup of the call was published or is buffered. */
  #isOpen(node: string, uuid: string): boolean {
    return this.#options.live.knows(node, uuid) && !this.#options.buffer.has(uuid);
  }

  /** The calls without a running channel: ended, or being hung up at this moment. */
  async #gone(uuids: readonly string[]): Promise<string[]> {
    const gone: string[] = [];
    for (const chunk of chunks(uuids)) {
      const exist = await Promise.all(chunk.map((uuid) => this.#options.api(`uuid_exists ${uuid}`)));
      gone.push(...chunk.filter((_, index) => exist[index]?.trim() === 'false'));
      this.#ended.signal.throwIfAborted();
    }
    return gone;
  }

  /** All channels, including those being hung up. FreeSWITCH sends the hangup event before a channel leaves this list. */
  async #channels(): Promise<ReadonlySet<string>> {
    const { rows } = Channels.parse(JSON.parse(await this.#options.api('show channels as json')));
    return new Set(rows.map(({ uuid }) => uuid));
  }

  /** Publishes a synthesized hangup of each call that is still open. Returns how many. */
  async #close(node: string, uuids: readonly string[]): Promise<number> {
    const { live, buffer, onClosed } = this.#options;
    let closed = 0;
    for (const chunk of chunks(uuids)) {
      const calls = await Promise.all(chunk.map((uuid) => live.find(node, uuid)));
      for (const [index, call] of calls.entries()) {
        const uuid = chunk[index] ?? '';
        if (call === undefined) live.forget(node, uuid);
        else if (this.#isOpen(node, uuid)) {
          onClosed?.(uuid);
          buffer.add(synthesizedHangup(call, Date.now()));
          closed++;
        }
      }
      await Promise.race([Promise.all(chunk.map((uuid) => buffer.settled(uuid))), this.#whenEnded]);
      this.#ended.signal.throwIfAborted();
    }
    return closed;
  }
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += CHUNK_SIZE) yield items.slice(from, from + CHUNK_SIZE);
}
