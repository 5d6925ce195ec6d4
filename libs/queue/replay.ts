import type { Queue } from 'bullmq';
import { partitionOf } from '#libs/contract/partition.ts';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from './dead-letters.ts';
import { EndpointState } from './endpoint-state.ts';
import { type QueueEntry, writeEntry } from './entry.ts';
import { callKeys, pendingKey } from './keys.ts';
import type { RedisClient } from './redis.ts';
import { hurryCall, openRetryQueue, wakeCalls } from './retry-queue.ts';
import { type Script, script } from './script.ts';

const CALLS_AT_ONCE = 100;

/**
 * Replays dead letters with their original ids and a full retry schedule. Each is inserted in event order among the
 * waiting notifications of its call, but not before one that may be in flight, and the next attempt of the call is made
 * at once.
 *
 * A dead letter is removed last: a crash in between delivers it twice instead of losing it.
 */
export class Replay {
  readonly #prefix: string;
  readonly #deadLetters: DeadLetters;
  readonly #insert: Script;
  readonly #queue: Queue;

  constructor(redis: RedisClient, prefix: string) {
    this.#prefix = prefix;
    this.#deadLetters = new DeadLetters(redis, prefix);
    this.#insert = script(redis, 'insert');
    this.#queue = openRetryQueue(redis, prefix);
    // Commands throw their own errors.
    this.#queue.on('error', () => {});
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Replays all dead letters that match the filter and that `accept` accepts. @returns the number. */
  async send(
    filter: DeadLetterFilter,
    accept: (letter: DeadLetter) => boolean = () => true,
  ): Promise<number> {
    const calls = await this.#deadLetters.calls(filter);
    let sent = 0;
    for (let i = 0; i < calls.length; i += CALLS_AT_ONCE) {
      const some = calls.slice(i, i + CALLS_AT_ONCE);
      const byCall = await Promise.all(some.map((call) => this.#deadLetters.ofCall(call, filter)));
      sent += await this.sendLetters(byCall.flat().filter(accept));
    }
    return sent;
  }

  async sendLetters(letters: readonly DeadLetter[]): Promise<number> {
    const byCall = Map.groupBy(letters, ({ call }) => call);
    await Promise.all([...byCall].map(([call, entries]) => this.insert(call, entries)));
    await wakeCalls(this.#queue, byCall.keys());
    await Promise.all([...byCall.keys()].map((call) => hurryCall(this.#queue, call)));
    await this.#deadLetters.remove(letters);
    return letters.length;
  }

  /** Inserts entries into the waiting list of their call, with no attempts made. */
  async insert(call: string, entries: readonly QueueEntry[]): Promise<void> {
    const texts = entries.map((entry) => writeEntry({ ...entry, attempts: 0 }));
    const { waiting, claim } = callKeys(this.#prefix, call);
    await this.#insert([waiting, claim, pendingKey(this.#prefix, partitionOf(call))], [call, ...texts]);
  }
}

/**
 * Replays the dead letters with these ids, or all that match a filter, except those of disabled endpoints.
 * @returns the number replayed, and the numbers skipped by endpoint.
 */
export async function replay(
  redis: RedisClient,
  prefix: string,
  which: readonly string[] | DeadLetterFilter,
): Promise<{ readonly sent: number; readonly skipped: ReadonlyMap<string, number> }> {
  const known = await new EndpointState(redis, prefix).list();
  const disabled = new Set(known.filter(({ state }) => state === 'disabled').map(({ origin }) => origin));
  const skipped = new Map<string, number>();
  const accept = ({ origin }: DeadLetter) => {
    if (disabled.has(origin)) skipped.set(origin, 1 + (skipped.get(origin) ?? 0));
    return !disabled.has(origin);
  };
  const sender = new Replay(redis, prefix);
  try {
    if (!isIds(which)) return { skipped, sent: await sender.send(which, accept) };
    const letters = await new DeadLetters(redis, prefix).byId(which);
    return { skipped, sent: await sender.sendLetters(letters.filter(accept)) };
  } finally {
    await sender.close();
  }
}

const isIds = (which: readonly string[] | DeadLetterFilter): which is readonly string[] =>
  Array.isArray(which);
