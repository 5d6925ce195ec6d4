import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Backlog } from './backlog.ts';
import { type DeadLetter, DeadLetters, type LetterFilter } from './dead-letters.ts';
import { Endpoints } from './endpoints.ts';
import { hurryCall, openQueue, wakeCalls } from './queue.ts';

const CALLS_AT_ONCE = 100;

/**
 * Sends dead letters again, under their old ids and with a schedule of their own that begins anew. Each takes its place
 * among those of its call that still wait, and the call's next attempt is made at once.
 *
 * A letter leaves the dead letters last, so that a fault on the way makes the endpoint get it twice rather than never.
 */
export class Replay {
  readonly #deadLetters: DeadLetters;
  readonly #backlog: Backlog;
  readonly #queue: Queue;

  constructor(redis: Redis, prefix: string) {
    this.#deadLetters = new DeadLetters(redis, prefix);
    this.#backlog = new Backlog(redis, prefix);
    this.#queue = openQueue(redis, prefix);
    // What goes wrong is thrown by the command that it befalls.
    this.#queue.on('error', () => {});
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Sends all letters that are meant and that `take` accepts. @returns how many. */
  async send(filter: LetterFilter, take: (letter: DeadLetter) => boolean = () => true): Promise<number> {
    const calls = await this.#deadLetters.calls(filter);
    let sent = 0;
    for (let i = 0; i < calls.length; i += CALLS_AT_ONCE) {
      const some = calls.slice(i, i + CALLS_AT_ONCE);
      const byCall = await Promise.all(some.map((call) => this.#deadLetters.ofCall(call, filter)));
      sent += await this.sendLetters(byCall.flat().filter(take));
    }
    return sent;
  }

  async sendLetters(letters: readonly DeadLetter[]): Promise<number> {
    const byCall = Map.groupBy(letters, ({ call }) => call);
    await Promise.all([...byCall].map(([call, entries]) => this.#backlog.insert(call, entries)));
    await wakeCalls(this.#queue, byCall.keys());
    await Promise.all([...byCall.keys()].map((call) => hurryCall(this.#queue, call)));
    await this.#deadLetters.remove(letters);
    return letters.length;
  }
}

/**
 * Sends the letters of these ids, or all that a filter means, except those whose endpoint is switched off.
 * @returns how many were sent, and how many were not, by endpoint.
 */
export async function replay(
  redis: Redis,
  prefix: string,
  which: readonly string[] | LetterFilter,
): Promise<{ readonly sent: number; readonly skipped: ReadonlyMap<string, number> }> {
  const known = await new Endpoints(redis, prefix).list();
  const off = new Set(known.filter(({ state }) => state === 'off').map(({ origin }) => origin));
  const skipped = new Map<string, number>();
  const take = ({ origin }: DeadLetter) => {
    if (off.has(origin)) skipped.set(origin, 1 + (skipped.get(origin) ?? 0));
    return !off.has(origin);
  };
  const sender = new Replay(redis, prefix);
  try {
    if (!isIds(which)) return { skipped, sent: await sender.send(which, take) };
    const letters = await new DeadLetters(redis, prefix).byId(which);
    return { skipped, sent: await sender.sendLetters(letters.filter(take)) };
  } finally {
    await sender.close();
  }
}

const isIds = (which: readonly string[] | LetterFilter): which is readonly string[] => Array.isArray(which);
