import type { Queue } from 'bullmq';
import { originOf } from '#libs/net/url.ts';
import type { Addition, Claim, Claims, Placement } from '#libs/queue/claims.ts';
import type { EndpointState } from '#libs/queue/endpoint-state.ts';
import { callOf, type QueueEntry, writeEntry } from '#libs/queue/entry.ts';
import type { Replication } from '#libs/queue/replication.ts';
import { FAULT_RETRY_MS, wakeCallLater, wakeCalls } from '#libs/queue/retry-queue.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { CallDelivery } from './call-delivery.ts';
import { type Admitted, HEALTHY } from './endpoint-admission.ts';
import type { DeliveryLimiter } from './limiter.ts';

/** The result of dispatching a notification. */
export interface Receipt {
  readonly placement: Placement;
  /**
   * Resolves when the message may be acknowledged: the notification is delivered, is a dead letter, or waits in Redis
   * and its retry job was woken. Rejects when the message must be read again.
   */
  readonly safe: Promise<void>;
}

export interface DispatcherParts {
  readonly claims: Claims;
  readonly replication: Replication;
  readonly queue: Queue;
  readonly endpoints: EndpointState;
  readonly limiter: DeliveryLimiter;
  readonly delivery: CallDelivery;
  readonly log: Log;
  /** Instance id of this notifier. It holds the partition leases and is the prefix of each claim token. */
  readonly instance: string;
}

/** A call that this process has claimed. */
interface Delivering {
  readonly partition: number;
  readonly claim: Claim;
  /** `Replication.now()` before its first notification was stored. */
  readonly since: number;
  /** Notifications whose messages are not acknowledged yet, by id. */
  readonly unsafe: Map<string, PromiseWithResolvers<void>>;
}

/** Whether each endpoint is healthy, by origin. */
type HealthChecks = ReadonlyMap<string, Promise<boolean>>;

interface OwnCall extends Delivering {
  readonly done: Promise<void>;
}

/** Wraps the error so that no entry is set aside for it. The batch is read again. */
function queueFailed(cause: Error): never {
  throw new Error(`the retry queue takes no jobs: ${cause.message}`, { cause });
}

/** The empty handler prevents an unhandled rejection when the reader has dropped the receipt. */
function unsafeYet(): PromiseWithResolvers<void> {
  const safe = Promise.withResolvers<void>();
  safe.promise.catch(() => {});
  return safe;
}

/**
 * Stores notifications in Redis and delivers them directly when the call is idle, the endpoint is healthy and the
 * limiter has capacity. All others are left to the retry jobs of their calls.
 *
 * A message is acknowledged when its notification is delivered or its retry job was woken. After a crash in between,
 * the redelivered message is recognized as a duplicate and its job is woken.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #own = new Map<string, OwnCall>();
  #tokens = 0;
  #stopping = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /**
   * Stores entries of one partition in their order. Waits for capacity at fast endpoints, up to `PATIENCE_MS`
   * each.
   * @returns receipts in the order of the entries.
   * @throws when an entry could not be stored or a job not woken: then all messages must be read again.
   */
  async dispatch(partition: number, entries: readonly QueueEntry[]): Promise<Receipt[]> {
    const checks = this.#checkHealth(entries);
    const healthy = await this.#healthyOrigins(checks);
    const receipts: Receipt[] = [];
    while (receipts.length < entries.length) {
      const additions = await this.#additions(entries.slice(receipts.length), healthy);
      receipts.push(...(await this.#store(partition, additions, checks)));
    }
    return receipts;
  }

  /** Ends direct delivery. The retry jobs of other notifiers deliver further notifications. */
  stop(): void {
    this.#stopping = true;
  }

  /** Resolves when no direct delivery is in flight for the partition, or for any partition. */
  async settled(partition?: number): Promise<void> {
    const open = () =>
      [...this.#own.values()].filter((own) => partition === undefined || own.partition === partition);
    for (let calls = open(); calls.length > 0; calls = open())
      await Promise.all(calls.map(({ done }) => done));
  }

  #checkHealth(entries: readonly QueueEntry[]): HealthChecks {
    const origins = new Set(entries.map(({ progress }) => originOf(progress.url)));
    return new Map(
      [...origins].map((origin) => {
        const check = this.#parts.endpoints.isHealthy(origin);
        check.catch(() => {});
        return [origin, check];
      }),
    );
  }

  /**
   * The endpoints to which the entries may be delivered directly. Those that were healthy at their last lookup are assumed
   * to be, so that Redis answers the new lookup together with the script that stores the entries. `#admission` reads the
   * answer before the delivery.
   */
  async #healthyOrigins(checks: HealthChecks): Promise<ReadonlySet<string>> {
    const origins = [...checks.keys()];
    if (origins.every((origin) => this.#parts.endpoints.wasHealthy(origin))) return new Set(origins);
    const healthy = await Promise.all(checks.values());
    return new Set(origins.filter((_, i) => healthy[i]));
  }

  /**
   * The next entries to store in one script: all up to the first entry whose endpoint is worth waiting for. Entries for
   * direct delivery get a claim token and have entered the limiter.
   */
  async #additions(entries: readonly QueueEntry[], healthy: ReadonlySet<string>): Promise<Addition[]> {
    const { limiter, instance } = this.#parts;
    const additions: Addition[] = [];
    const calls = new Set<string>();
    for (const entry of entries) {
      const call = callOf(entry);
      const origin = originOf(entry.progress.url);
      const direct = !this.#stopping && healthy.has(origin) && !calls.has(call);
      let entered = direct && limiter.tryEnter(origin);
      if (direct && !entered && !this.#own.has(call)) {
        if (additions.length > 0 && limiter.hasRoomSoon(origin)) break;
        entered = additions.length === 0 && (await limiter.enterSoon(origin));
        if (entered && this.#stopping) {
          limiter.leave(origin, undefined);
          entered = false;
        }
      }
      calls.add(call);
      additions.push({
        entry,
        text: writeEntry(entry),
        token: entered ? `${instance}:${++this.#tokens}` : '',
      });
    }
    return additions;
  }

  async #store(
    partition: number,
    additions: readonly Addition[],
    checks: HealthChecks,
  ): Promise<readonly Receipt[]> {
    const { claims, queue, replication, instance } = this.#parts;
    const sentAt = performance.now();
    const since = replication.now();
    const placements = await claims.append(partition, instance, additions).catch((error: unknown) => {
      for (const addition of additions) this.#leave(addition);
      throw error;
    });
    const woken = unsafeYet();
    const wake = new Set<string>();
    const receipts = additions.map((addition, index): Receipt => {
      const placement = placements[index] ?? 'waiting';
      const { entry, token } = addition;
      const call = callOf(entry);
      if (placement === 'claimed') {
        const claim = claims.claimed(call, token, sentAt);
        const own = { partition, claim, since, unsafe: new Map() };
        return { placement, safe: this.#begin(own, addition, checks) };
      }
      this.#leave(addition);
      // A job would be woken for nothing, and would make the next attempt earlier than the retry schedule.
      const own = placement === 'behind' || placement === 'repeat' ? this.#own.get(call) : undefined;
      if (own) {
        const safe = own.unsafe.get(entry.id) ?? unsafeYet();
        own.unsafe.set(entry.id, safe);
        return { placement, safe: safe.promise };
      }
      if (placement === 'late' || placement === 'done') return { placement, safe: Promise.resolve() };
      wake.add(call);
      return { placement, safe: woken.promise };
    });
    // Not in one pipeline with APPEND: after NOSCRIPT ioredis resends the script, so the wake-up could overtake it.
    if (wake.size > 0) await wakeCalls(queue, wake).catch(queueFailed);
    // Direct deliveries of the batch do not wait for the wake-ups.
    replication.confirm(since, wake.size > 0 ? [partition, 'retry'] : []).then(woken.resolve, woken.reject);
    return receipts;
  }

  #leave({ entry, token }: Addition): void {
    if (token !== '') this.#parts.limiter.leave(originOf(entry.progress.url), undefined);
  }

  /** The admission to a healthy endpoint; undefined, outside of the limiter, when it is not healthy any more. */
  async #admission(addition: Addition, checks: HealthChecks): Promise<Admitted | undefined> {
    const check = checks.get(originOf(addition.entry.progress.url));
    if (await check?.catch(() => false)) return HEALTHY;
    this.#leave(addition);
    return undefined;
  }

  #begin(call: Delivering, addition: Addition, checks: HealthChecks): Promise<void> {
    const safe = unsafeYet();
    call.unsafe.set(addition.entry.id, safe);
    const { claim } = call;
    const done = this.#deliver(call, addition, checks);
    this.#own.set(claim.call, { ...call, done });
    return safe.promise;
  }

  async #deliver(
    { partition, claim, since, unsafe }: Delivering,
    first: Addition,
    checks: HealthChecks,
  ): Promise<void> {
    const { queue, delivery, replication, log } = this.#parts;
    const onSettled = (id: string) => {
      unsafe.get(id)?.resolve();
      unsafe.delete(id);
    };
    const { call } = claim;
    try {
      const admitted = await this.#admission(first, checks);
      const options = admitted === undefined ? { onSettled } : { admitted, onSettled };
      const result = await delivery.run(claim, first, options).catch((err) => {
        log.error('delivery.failed', { err, call });
        return { kind: 'waiting', ms: FAULT_RETRY_MS } as const;
      });
      if (result.kind === 'waiting') {
        await wakeCallLater(queue, call, result.ms);
        await replication.confirm(since, [partition, 'retry']);
      }
      this.#forget(claim);
      for (const { resolve } of unsafe.values()) resolve();
    } catch (err) {
      log.warn('notification.wake_failed', { err, call });
      this.#forget(claim);
      for (const { reject } of unsafe.values()) reject(err);
    }
  }

  /** In one turn with the end of all `unsafe`, so that none is added afterwards. */
  #forget(claim: Claim): void {
    if (this.#own.get(claim.call)?.claim === claim) this.#own.delete(claim.call);
  }
}
