import { setTimeout as pause } from 'node:timers/promises';
import type { Bus } from '#libs/bus/connection.ts';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { refusalText } from '#libs/queue/redis.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { PartitionLeases } from './partition-leases.ts';
import type { Reading } from './reading.ts';
import type { StreamReader } from './stream-reader.ts';

const TICK_MAX_MS = 1_000;
const TICKS_PER_LEASE = 5;
const SEARCH_MS = 5_000;
/** A reader is restarted for the same skipped message at most once in this time, ms. */
const SKIPPED_MS = 60_000;
/** How long releasing a lease waits for direct deliveries of the partition, ms. */
const HAND_OVER_MS = 1_000;

export interface PartitionsParts {
  readonly leases: PartitionLeases;
  readonly leaseMs: number;
  readonly openReader: (partition: number) => StreamReader;
  /** Number of messages in the stream, of all partitions. */
  readonly backlog: () => Promise<number>;
  /** Sequence number of the oldest message of a partition in the stream. */
  readonly oldest: (partition: number) => Promise<number | undefined>;
  /** Resolves when no direct delivery of the partition is in flight. */
  readonly settled: (partition: number) => Promise<void>;
  readonly bus: Pick<Bus, 'connected' | 'onChange'>;
  readonly reading: Reading;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Interval of the search for skipped messages, ms. Default: 5 s. */
  readonly searchMs?: number;
}

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** The number of partitions for the notifier at `index`. Shares differ by one at most. */
export const shareOf = (partitions: number, notifiers: number, index: number): number =>
  Math.floor(partitions / notifiers) + (index < partitions % notifiers ? 1 : 0);

/**
 * Decides which partitions this notifier reads, so that all notifiers have equal shares. Each tick renews the leases,
 * releases those beyond the share and acquires free ones below it. A notifier that crashes loses its leases after
 * `leaseMs`; one that stops or loses its connection to NATS releases them at once.
 *
 *     free    -> read      lease acquired; the reader starts at the oldest unacknowledged message
 *     read    -> leaving   share exceeded, or NATS disconnected: the reader stops, direct deliveries have 1 s to end
 *     leaving -> free      they have ended or that time is over: the lease is released. Or it has expired: it is not renewed
 *     read    -> free      stop: the reader stops, the lease is released
 *     read    -> other's   the lease expired, for example while this process was suspended: the reader stops
 *     read    -> read      the lease expired and was acquired again: the reader restarts
 *
 * Two readers may overlap for a moment; this is safe, because append.lua checks the lease.
 */
export class Partitions {
  readonly #parts: PartitionsParts;
  readonly #readers = new Map<number, StreamReader>();
  /** Partitions whose lease will be released. Resolves when the reader has stopped. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  readonly #searching: Promise<void>;
  #failure: string | undefined = 'partition leases have not been taken yet';
  #tickedAt = performance.now();
  /** NATS is away, or the shares have not been balanced since. */
  #left = false;

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
    parts.bus.onChange((connected) => {
      if (!connected) this.#onDisconnected();
    });
    this.#running = this.#run();
    this.#searching = this.#search();
  }

  /** Number of partitions that this notifier reads. */
  get size(): number {
    return this.#readers.size;
  }

  /** The failed check for /readyz; undefined when every reader makes progress. */
  problem(): string | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const silentMs = Math.round(performance.now() - this.#tickedAt);
    if (silentMs > this.#parts.leaseMs) return `partition leases were not renewed for ${silentMs} ms`;
    return this.#parts.reading.problem;
  }

  /** Stops reading and releases the leases, without waiting for Redis. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#running, this.#searching]);
    const held = [...this.#readers.keys(), ...this.#leaving.keys()];
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
    await Promise.all(this.#leaving.values());
    this.#readers.clear();
    const { leases, log } = this.#parts;
    Promise.all([leases.leave(), ...held.map((partition) => leases.release(partition))]).catch((err) =>
      log.debug('stream.lease_error', { err }),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const tickMs = Math.min(TICK_MAX_MS, this.#parts.leaseMs / TICKS_PER_LEASE);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    while (!signal.aborted) {
      // A stop does not wait for the tick, because Redis may not answer.
      await Promise.race([this.#tick(), aborted]);
      await pause(tickMs, undefined, { signal }).catch(() => {});
    }
  }

  /**
   * After a change of leaders nats-server can skip messages of a consumer, which then stay in the stream. A message counts
   * as skipped when two searches in a row find it: at the first, it or its acknowledgement may be in transit.
   */
  async #search(): Promise<void> {
    const { signal } = this.#stopped;
    const { backlog, oldest, bus, searchMs = SEARCH_MS } = this.#parts;
    const suspects = new Map<StreamReader, number>();
    /** Messages for which a reader was restarted lately, and when. */
    const restarts = new Map<number, number>();
    for (;;) {
      await pause(searchMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      // One request instead of one for each partition, as long as all messages are acknowledged. An error of it, such as
      // a missing permission, says nothing about the partitions.
      if (!bus.connected || (await backlog().catch(() => undefined)) === 0) {
        suspects.clear();
        continue;
      }
      for (const [seq, at] of restarts) if (performance.now() - at > SKIPPED_MS) restarts.delete(seq);
      for (const [partition, reader] of this.#readers) {
        const seq = bus.connected ? await oldest(partition).catch(() => undefined) : undefined;
        const isSkipped = seq !== undefined && reader.hasPassed(seq);
        const now = performance.now();
        if (
          isSkipped &&
          suspects.get(reader) === seq &&
          now - (restarts.get(seq) ?? -SKIPPED_MS) >= SKIPPED_MS
        ) {
          restarts.set(seq, now);
          reader.restart(new Error(`message ${seq} of the stream was skipped`));
        }
        if (isSkipped) suspects.set(reader, seq);
        else suspects.delete(reader);
        if (signal.aborted) return;
      }
    }
  }

  async #tick(): Promise<void> {
    const { log, bus } = this.#parts;
    try {
      if (bus.connected) await this.#balance();
      else await this.#leave();
      this.#failure = undefined;
      this.#tickedAt = performance.now();
    } catch (error) {
      if (this.#failure !== refusalText(error as Error)) log.warn('stream.lease_failed', { err: error });
      this.#failure = refusalText(error as Error);
      // Another notifier may have the leases by now; two readers would recreate the consumer of each other.
      if (performance.now() - this.#tickedAt > this.#parts.leaseMs) await this.#dropReaders();
    }
    this.#observeReaders();
  }

  async #balance(): Promise<void> {
    const { leases, log } = this.#parts;
    const [{ notifiers, index }] = await Promise.all([leases.heartbeat(), this.#renew()]);
    const share = shareOf(PARTITIONS, notifiers, index);
    const before = this.#readers.size;
    if (before > share) this.#giveBack([...this.#readers.keys()].slice(share));
    else if (before < share) await this.#takeUpTo(share);
    this.#left = false;
    if (this.#readers.size !== before)
      log.info('stream.partitions', { partitions: this.#readers.size, notifiers });
  }

  async #renew(): Promise<void> {
    const { leases } = this.#parts;
    await Promise.all(
      [...this.#readers].map(async ([partition, reader]) => {
        const taking = await leases.take(partition);
        if (taking === 'taken') reader.restart(new Error('the partition lease had expired'));
        if (taking === 'other') {
          this.#readers.delete(partition);
          await reader.stop();
        }
      }),
    );
  }

  async #takeUpTo(share: number): Promise<void> {
    const { leases, openReader, random } = this.#parts;
    const others = ALL.filter((partition) => !this.#readers.has(partition) && !this.#leaving.has(partition));
    const free = await leases.free(others);
    // Starts at a random partition, so that notifiers do not all try the same ones first.
    const start = Math.floor(random() * free.length);
    const wanted = [...free.slice(start), ...free.slice(0, start)].slice(0, share - this.#readers.size);
    await Promise.all(
      wanted.map(async (partition) => {
        if ((await leases.take(partition)) === 'other') return;
        if (this.#stopped.signal.aborted) await leases.release(partition);
        else this.#readers.set(partition, openReader(partition));
      }),
    );
  }

  /** Does not wait: the next ticks must renew the other leases in time. */
  #giveBack(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const stopped = this.#readers.get(partition)?.stop() ?? Promise.resolve();
      this.#readers.delete(partition);
      this.#leaving.set(partition, stopped);
      this.#handOver(partition, stopped)
        .catch((err) => this.#parts.log.debug('stream.lease_error', { err }))
        .finally(() => this.#leaving.delete(partition));
    }
  }

  async #handOver(partition: number, stopped: Promise<void>): Promise<void> {
    const { leases, settled } = this.#parts;
    await stopped;
    const waited = new AbortController();
    await Promise.race([
      settled(partition),
      pause(HAND_OVER_MS, undefined, { signal: waited.signal }).catch(() => {}),
    ]);
    waited.abort();
    await leases.release(partition);
  }

  /** Without a connection to NATS, releases all partitions: another notifier may be connected. */
  async #leave(): Promise<void> {
    this.#left = true;
    this.#giveBack([...this.#readers.keys()]);
    await this.#parts.leases.leave();
  }

  /** Pull requests and messages in flight are lost with the connection. */
  #onDisconnected(): void {
    for (const reader of this.#readers.values()) reader.restart(new Error('NATS was disconnected'));
  }

  async #dropReaders(): Promise<void> {
    const readers = [...this.#readers.values()];
    this.#readers.clear();
    this.#left = true;
    await Promise.all(readers.map((reader) => reader.stop()));
  }

  #observeReaders(): void {
    if (!this.#left) this.#parts.reading.observe(this.#readers.values());
  }
}
