import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { LiveCall } from '#libs/contract/messages.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Remember } from './decide.ts';
import type { CallEvent } from './notification.ts';
import type { Outbox } from './outbox.ts';
import { type ChannelData, header, isoTime } from './request.ts';

const AT_ONCE = 500;
const RETRY_MS = 5_000;

/** What is kept of a call that an agent has taken. */
export function liveCall(
  data: ChannelData,
  request: EndpointRequest,
  endpoint: CtiBridgeArguments,
): LiveCall {
  const { uuid, node, caller_id_number, caller_id_name, destination_number } = request;
  const created = header(data, 'Caller-Channel-Created-Time');
  const started = Number(created) > 0 ? isoTime(created) : request.time;
  return {
    v: 1,
    url: endpoint.url,
    uuid,
    node,
    caller_id_number,
    caller_id_name,
    destination_number,
    started,
  };
}

/** Writes each call that is to be told of into the live calls, and takes out one that is no longer. */
export const rememberer =
  (live: LiveCalls): Remember =>
  async (data, request, endpoint) => {
    if (endpoint.notify) await live.add(liveCall(data, request, endpoint));
    else if (live.knows(request.node, request.uuid)) live.remove(request);
  };

/** The end of a call that nobody has seen. `now` is epoch milliseconds. */
export function recovered(call: LiveCall, now: number): CallEvent {
  const { v: _, url, uuid, ...known } = call;
  const time = new Date(now).toISOString();
  const unseen = { recovered: true, cause: 'UNKNOWN', q850: 0 } as const;
  const notification: Notification = { action: 'hangup', uuid, leg: uuid, ...known, time, ...unseen };
  return { endpoint: { url, notify: true }, notification, callStart: Date.parse(call.started) };
}

const Channels = z.object({ rows: z.array(z.object({ uuid: z.string() })).default([]) });

export interface RecoveryOptions {
  /** Runs an api command of FreeSWITCH. */
  readonly api: (command: string) => Promise<string>;
  readonly nodeName: string | undefined;
  readonly live: LiveCalls;
  readonly outbox: Outbox<CallEvent>;
  readonly intervalMs: number;
  /** How long a hangup may be on its way when its call is gone. */
  readonly confirmMs: number;
  readonly log: Log;
}

/**
 * Closes the books on calls that ended unseen: what is a live call here and no channel in FreeSWITCH any more gets a
 * hangup that says so. Compares when it is told to (the event socket is up, for the first time or again) and at
 * intervals, as FreeSWITCH can lose events without a word.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #ended = new AbortController();
  readonly #whenEnded: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#whenEnded = new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Compares now, or once more when it is comparing. */
  compare(): void {
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
        await this.#compare();
        nextMs = intervalMs;
      } catch (err) {
        if (this.#ended.signal.aborted) return;
        nextMs = Math.min(intervalMs, RETRY_MS);
        log.warn('live_call.reconcile_failed', { err });
      }
    }
    if (!this.#ended.signal.aborted) this.#timer = setTimeout(() => this.compare(), nextMs);
  }

  async #compare(): Promise<void> {
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
    if (gone.length === 0) return;
    await sleep(confirmMs, undefined, { signal: this.#ended.signal });
    const unheard = gone.filter((uuid) => this.#isUnheard(node, uuid));
    if (unheard.length === 0) return;
    const channels = await this.#channels();
    const closed = await this.#close(
      node,
      unheard.filter((uuid) => !channels.has(uuid)),
    );
    const ms = Math.round(performance.now() - begun);
    if (closed > 0) log.warn('live_call.closed', { node, closed, live: uuids.length, ms });
  }

  /** Whether nothing has told of the call's end. */
  #isUnheard(node: string, uuid: string): boolean {
    return this.#options.live.knows(node, uuid) && !this.#options.outbox.holds(uuid);
  }

  /** Those that FreeSWITCH has no running channel of: they have ended, or are being hung up right now. */
  async #gone(uuids: readonly string[]): Promise<string[]> {
    const gone: string[] = [];
    for (const some of chunks(uuids)) {
      const exist = await Promise.all(some.map((uuid) => this.#options.api(`uuid_exists ${uuid}`)));
      gone.push(...some.filter((_, index) => exist[index]?.trim() === 'false'));
      this.#ended.signal.throwIfAborted();
    }
    return gone;
  }

  /** All channels, those included whose hangup takes its time: FreeSWITCH tells of it before they leave this list. */
  async #channels(): Promise<ReadonlySet<string>> {
    const { rows } = Channels.parse(JSON.parse(await this.#options.api('show channels as json')));
    return new Set(rows.map(({ uuid }) => uuid));
  }

  /** Tells of the end of each, unless others have. Returns how many there were to tell of. */
  async #close(node: string, uuids: readonly string[]): Promise<number> {
    const { live, outbox } = this.#options;
    let closed = 0;
    for (const some of chunks(uuids)) {
      const calls = await Promise.all(some.map((uuid) => live.find(node, uuid)));
      for (const [index, call] of calls.entries()) {
        const uuid = some[index] ?? '';
        if (call === undefined) live.forget(node, uuid);
        else if (this.#isUnheard(node, uuid)) {
          outbox.add(recovered(call, Date.now()));
          closed++;
        }
      }
      await Promise.race([Promise.all(some.map((uuid) => outbox.settled(uuid))), this.#whenEnded]);
      this.#ended.signal.throwIfAborted();
    }
    return closed;
  }
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE);
}
