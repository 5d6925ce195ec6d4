import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import { chunks } from '#libs/chunks/chunks.ts';
import { callIdOf, isDerivedId } from '#libs/contract/call-id.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { CallEvent } from './call/notification.ts';
import { uuidExists } from './channel-commands.ts';
import { synthesizedHangup } from './live-call.ts';

/** Calls looked up in FreeSWITCH, or closed, at once. */
const CHUNK_SIZE = 500;
/** Upper bound of the interval after a reconciliation that failed. */
const RETRY_MS = 5_000;

/** How long FreeSWITCH may take to destroy a channel that has hung up. */
const SOON_MS = 1_000;

/** Live calls that were set aside, at most. */
const MAX_POISON = 10_000;

const Channels = z.object({ rows: z.array(z.unknown()).default([]) });
const Channel = z.object({ uuid: z.string() });

/** Calls that have places of limits. */
export interface LimitedCalls {
  readonly owners: (node: string) => readonly string[];
  /** Frees the places of a call that is not among `channels`, except those of its called legs that are. */
  readonly freeGone: (call: string, channels: ReadonlySet<string>) => void;
}

export interface ReconcilerOptions {
  /** Runs an api command of FreeSWITCH. */
  readonly api: (command: string) => Promise<string>;
  /** Runs an api command whose output is JSON. */
  readonly apiJson: (command: string) => Promise<unknown>;
  readonly nodeName: string | undefined;
  readonly live: LiveCalls;
  readonly buffer: RetryBuffer<CallEvent>;
  /** Their places are freed like live calls are closed. */
  readonly limits?: LimitedCalls | undefined;
  readonly intervalMs: number;
  /** How long the real hangup may still be on its way after FreeSWITCH has stopped listing the call. */
  readonly confirmMs: number;
  /** How long after its start FreeSWITCH may still bring calls back (`sofia recover`). */
  readonly restartWaitMs: number;
  /** Called for each call for which a hangup is synthesized. */
  readonly onClosed?: (uuid: string) => void;
  readonly log: Log;
  readonly aside: SetAside;
}

/**
 * Compares the live calls of this node with FreeSWITCH's channels and publishes a synthesized hangup for each call that
 * FreeSWITCH no longer has. Runs when the event socket connects (`reconcile`), after a call whose hangup no agent sees
 * (`reconcileSoon`), and every `intervalMs`, because FreeSWITCH can drop events silently.
 *
 * Nothing is closed in the first `restartWaitMs` after FreeSWITCH has started: `sofia recover` brings calls of a crashed
 * FreeSWITCH back. Then a call is closed when all of these hold, in this order: `uuid_exists` says false; `confirmMs` later no hangup of it
 * was published or is buffered; `show channels` does not list it. FreeSWITCH sends the hangup event before a channel
 * leaves that list, so a real hangup always wins.
 *
 * A live call that cannot be looked up or read is set aside and skipped until its entry expires; the others are compared.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #ended = new AbortController();
  readonly #whenEnded: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #isUptimeUnknown = false;
  /** Live calls that were set aside. */
  readonly #poison = new LruMap<string, true>(MAX_POISON);

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#whenEnded = new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Starts a reconciliation. While one is running, another one is queued. */
  reconcile(): void {
    if (this.#ended.signal.aborted) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Starts a reconciliation in `SOON_MS`. Until then further calls of this method have no effect. */
  reconcileSoon(): void {
    if (this.#ended.signal.aborted) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.reconcile();
    }, SOON_MS);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#soon);
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
    const uuids = (await live.uuids(node)).filter((uuid) => this.#poison.get(uuid) === undefined);
    const limited = this.#options.limits?.owners(node) ?? [];
    const gone = await this.#gone([...new Set([...uuids, ...limited])]);
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
    const holders = gone.filter((uuid) => limited.includes(uuid));
    if (open.length === 0 && holders.length === 0) return undefined;
    const channels = await this.#channels();
    for (const uuid of holders) if (!channels.has(uuid)) this.#options.limits?.freeGone(uuid, channels);
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
    const uptimeMs = wholeNumber((await api('uptime ms').catch(() => '')).trim()) ?? 0;
    if (uptimeMs > 0) return Math.max(0, Math.ceil(restartWaitMs - uptimeMs));
    if (!this.#isUptimeUnknown) log.warn('live_call.uptime_unknown');
    this.#isUptimeUnknown = true;
    return 0;
  }

  /** Whether no hangup of the call was published or is buffered. */
  #isOpen(node: string, uuid: string): boolean {
    return this.#options.live.knows(node, uuid) && !this.#options.buffer.has(uuid);
  }

  /**
   * The calls without a running channel: ended, or being hung up at this moment. Includes calls whose id is derived: only
   * the list of channels shows whether they have ended.
   */
  async #gone(uuids: readonly string[]): Promise<string[]> {
    const { api } = this.#options;
    const gone: string[] = [];
    for (const chunk of chunks(uuids, CHUNK_SIZE)) {
      const exist = await Promise.all(
        chunk.map((id) => this.#isolate(id, async () => (isDerivedId(id) ? 'false' : api(uuidExists(id))))),
      );
      gone.push(...chunk.filter((_, index) => exist[index]?.trim() === 'false'));
      this.#ended.signal.throwIfAborted();
    }
    return gone;
  }

  /** All channels, including those being hung up. FreeSWITCH sends the hangup event before a channel leaves this list. */
  async #channels(): Promise<ReadonlySet<string>> {
    const { rows } = Channels.parse(await this.#options.apiJson('show channels as json'));
    const channels = rows.map((row) => Channel.safeParse(row));
    return new Set(channels.flatMap(({ data }) => (data === undefined ? [] : [callIdOf(data.uuid)])));
  }

  /** Runs `work` for one live call. One that cannot be processed is set aside and gives undefined. */
  async #isolate<T>(uuid: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.#options.aside.runAsync(
      'live_call',
      () => {
        this.#poison.set(uuid, true);
        return { call: uuid };
      },
      work,
    );
  }

  /** Publishes a synthesized hangup of each call that is still open. Returns how many. */
  async #close(node: string, uuids: readonly string[]): Promise<number> {
    const { buffer, onClosed } = this.#options;
    let closed = 0;
    for (const chunk of chunks(uuids, CHUNK_SIZE)) {
      const ended = await Promise.all(
        chunk.map((uuid) => this.#isolate(uuid, () => this.#hangupOf(node, uuid))),
      );
      for (const hangup of ended) {
        if (hangup === undefined) continue;
        onClosed?.(hangup.notification.uuid);
        buffer.add(hangup);
        closed++;
      }
      await Promise.race([Promise.all(chunk.map((uuid) => buffer.settled(uuid))), this.#whenEnded]);
      this.#ended.signal.throwIfAborted();
    }
    return closed;
  }

  /** The synthesized hangup of a call that is still open; undefined when its hangup was published meanwhile. */
  async #hangupOf(node: string, uuid: string): Promise<CallEvent | undefined> {
    const { live } = this.#options;
    const call = await live.find(node, uuid);
    if (call === undefined) live.forget(node, uuid);
    return call !== undefined && this.#isOpen(node, uuid) ? synthesizedHangup(call, Date.now()) : undefined;
  }
}
