import type { Redis } from 'ioredis';
import { type Entry, writeEntry } from './entry.ts';
import { defineScript, type Script } from './redis.ts';

const LAST = Number.MAX_SAFE_INTEGER;

const APPEND = `
local function place(waiting, seen, at, optional, text)
  local laterSeen, ended, behindHead = 0, false, {}
  for _, seenAt in ipairs(redis.call('HVALS', seen)) do
    if tonumber(seenAt) > at then laterSeen = laterSeen + 1 end
    ended = ended or tonumber(seenAt) == ${LAST}
  end
  if laterSeen > 0 then
    for _, other in ipairs(redis.call('LRANGE', waiting, 1, -1)) do
      local otherAt = cjson.decode(other).at
      if otherAt > at then table.insert(behindHead, other) end
      if otherAt == ${LAST} then ended = false end
    end
    if ended or (optional and laterSeen > #behindHead) then return 'late' end
  end
  if behindHead[1] then redis.call('LINSERT', waiting, 'BEFORE', behindHead[1], text)
  else redis.call('RPUSH', waiting, text) end
  return 'new'
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('LEASELOST another notifier reads the stream') end
local placed = {}
for i = 1, (#KEYS - 1) / 2 do
  local waiting, seen = KEYS[2 * i], KEYS[2 * i + 1]
  local field, at, optional, text = unpack(ARGV, 4 * i - 1, 4 * i + 2)
  if redis.call('HEXISTS', seen, field) == 1 then placed[i] = 'repeat'
  else
    placed[i] = place(waiting, seen, tonumber(at), optional == '1', text)
    redis.call('HSET', seen, field, at)
  end
  redis.call('PEXPIRE', seen, ARGV[2])
end
return placed`;

const INSERT = `
local waiting = {}
for i, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local entry = cjson.decode(text)
  waiting[i] = { id = entry.id, at = entry.at, order = entry.order, text = text }
end
for _, text in ipairs(ARGV) do
  local entry, there, place = cjson.decode(text), false, #waiting + 1
  for i = #waiting, 1, -1 do
    there = there or waiting[i].id == entry.id
    local other = waiting[i]
    if other.at > entry.at or (other.at == entry.at and other.order > entry.order) then place = i end
  end
  if not there then
    local later = waiting[place]
    if later then redis.call('LINSERT', KEYS[1], 'BEFORE', later.text, text)
    else redis.call('RPUSH', KEYS[1], text) end
    table.insert(waiting, place, { id = entry.id, at = entry.at, order = entry.order, text = text })
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

/** What became of an entry: a late one was left out, as its call has gone on without it. */
export type Placed = 'new' | 'repeat' | 'late';

/**
 * The notifications that wait, a list for each call, and the ids of those that ever did.
 *
 *     PREFIX:waiting:CALL   list of entries, the oldest first
 *     PREFIX:seen:CALL      hash of when each happened by LEG.ACTION, for `dedupMs` after the last one
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
   * Adds entries, all or none, each before those of its call that happened later and still wait, and says what became
   * of each. Two agents of a node that have seen different things bring them in any order: what comes when the call's
   * hangup has been sent is late, and so is a ring or progress when anything later has. The head counts as sent, as it
   * may be on its way.
   * @throws when `lease` is not held by `holder`: only one notifier at a time may add, or order would be lost.
   */
  async append(
    lease: { readonly key: string; readonly holder: string },
    entries: readonly Entry[],
    dedupMs: number,
  ): Promise<Placed[]> {
    const keys = [lease.key];
    const args: (string | number)[] = [lease.holder, dedupMs];
    for (const entry of entries) {
      const { uuid, leg, action } = entry.progress.notification;
      keys.push(this.#waiting(uuid), `${this.#prefix}:seen:${uuid}`);
      const optional = action === 'ring' || action === 'progress';
      args.push(`${leg}.${action}`, entry.at, optional ? 1 : 0, writeEntry(entry));
    }
    return (await this.#append(keys, args)) as Placed[];
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
