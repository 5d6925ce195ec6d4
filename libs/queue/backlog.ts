import type { Redis } from 'ioredis';
import { type Entry, writeEntry } from './entry.ts';
import { defineScript, type Script } from './redis.ts';

const APPEND = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('LEASELOST another notifier reads the stream') end
local fresh = {}
for i = 1, (#KEYS - 1) / 2 do
  local waiting, seen = KEYS[2 * i], KEYS[2 * i + 1]
  fresh[i] = redis.call('HSETNX', seen, ARGV[2 * i + 1], 1)
  if fresh[i] == 1 then redis.call('RPUSH', waiting, ARGV[2 * i + 2]) end
  redis.call('PEXPIRE', seen, ARGV[2])
end
return fresh`;

const INSERT = `
local waiting = {}
for i, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local entry = cjson.decode(text)
  waiting[i] = { id = entry.id, order = entry.order, text = text }
end
for _, text in ipairs(ARGV) do
  local entry, there, place = cjson.decode(text), false, #waiting + 1
  for i = #waiting, 1, -1 do
    there = there or waiting[i].id == entry.id
    if waiting[i].order > entry.order then place = i end
  end
  if not there then
    local later = waiting[place]
    if later then redis.call('LINSERT', KEYS[1], 'BEFORE', later.text, text)
    else redis.call('RPUSH', KEYS[1], text) end
    table.insert(waiting, place, { id = entry.id, order = entry.order, text = text })
  end
end`;

const SETTLE = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LOCKLOST another worker has this call') end
redis.call('LREM', KEYS[1], 1, ARGV[2])
return redis.call('LINDEX', KEYS[1], 0)`;

/** The job that a call's notifications are being delivered under, as BullMQ locks it. */
export interface JobLock {
  readonly key: string;
  readonly token: string;
}

/**
 * The notifications that wait, a list for each call, and the ids of those that ever did.
 *
 *     PREFIX:waiting:CALL   list of entries, the oldest first
 *     PREFIX:seen:CALL      hash with a field LEG.ACTION for each notification, for `dedupMs` after the last one
 */
export class Backlog {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #append: Script;
  readonly #insert: Script;
  readonly #settle: Script;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#append = defineScript(redis, 'dialhookAppend', APPEND);
    this.#insert = defineScript(redis, 'dialhookInsert', INSERT);
    this.#settle = defineScript(redis, 'dialhookSettle', SETTLE);
  }

  /**
   * Adds entries in their order, all or none, and says of each whether it is new. Those seen before are left out.
   * @throws when `lease` is not held by `holder`: only one notifier at a time may add, or order would be lost.
   */
  async append(
    lease: { readonly key: string; readonly holder: string },
    entries: readonly Entry[],
    dedupMs: number,
  ): Promise<boolean[]> {
    const keys = [lease.key];
    const args: (string | number)[] = [lease.holder, dedupMs];
    for (const entry of entries) {
      const { uuid, leg, action } = entry.progress.notification;
      keys.push(this.#waiting(uuid), `${this.#prefix}:seen:${uuid}`);
      args.push(`${leg}.${action}`, writeEntry(entry));
    }
    const fresh = (await this.#append(keys, args)) as number[];
    return fresh.map((flag) => flag === 1);
  }

  /** Adds entries of one call, seen before or not, each at its place among those that wait. */
  async insert(call: string, entries: readonly Entry[]): Promise<void> {
    await this.#insert([this.#waiting(call)], entries.map(writeEntry));
  }

  /** The call's oldest entry, as written, or undefined. */
  async head(call: string): Promise<string | undefined> {
    return (await this.#redis.lindex(this.#waiting(call), 0)) ?? undefined;
  }

  /**
   * Takes away an entry that is done with and gives the next.
   * @throws when the lock is lost: another worker delivers for this call now and this one must not go on.
   */
  async settle(call: string, entry: string, lock: JobLock): Promise<string | undefined> {
    const next = await this.#settle([this.#waiting(call), lock.key], [lock.token, entry]);
    return (next as string | null) ?? undefined;
  }

  #waiting(call: string): string {
    return `${this.#prefix}:waiting:${call}`;
  }
}
