import { retryPrefix } from './keys.ts';
import { isText, type Member, memberOf } from './member.ts';
import type { RedisClient } from './redis.ts';
import { RETRY_QUEUE } from './retry-queue.ts';

const PAGE = 1_000;
/** No retry is scheduled so far ahead, see RETRY_SCHEDULE_MS. */
const MAX_DELAY_MS = 90 * 86_400_000;
/** BullMQ multiplies the time of a delayed job with it. */
const SCORE_PER_MS = 0x1000;
/** JSON fields of a job. BullMQ's worker stops at one that is not JSON. */
const JSON_FIELDS = ['opts', 'progress', 'parent'] as const;

export const queueKey = (prefix: string, name: string): string =>
  `${retryPrefix(prefix)}:${RETRY_QUEUE}:${name}`;

/** Whether BullMQ can have given the id. Another one may name a key of the queue, such as `wait`. */
export const isJobId = (id: string): boolean => /^\d+$/.test(id);

export interface RetryJobs {
  readonly ids: ReadonlySet<string>;
  /** Jobs that a worker has taken. */
  readonly active: readonly string[];
  /** Calls with a job that will run. */
  readonly calls: ReadonlySet<string>;
  /** Jobs that BullMQ cannot read, or that would never run. */
  readonly corrupt: readonly Member[];
}

function parsed(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

const isJson = (text: string | null | undefined): boolean => text === '' || parsed(text) !== undefined;

/** Jobs are added at the left end and taken from the right, so that no page misses one. */
async function* listed(redis: RedisClient, key: string): AsyncGenerator<readonly Member[]> {
  for (let from = 0; ; from += PAGE) {
    const ids = await redis.lrangeBuffer(key, from, from + PAGE - 1);
    yield ids.map(memberOf);
    if (ids.length < PAGE) return;
  }
}

/** Pages of job ids. `runs` is false when the time is corrupt or more than MAX_DELAY_MS ahead. */
async function* delayed(
  redis: RedisClient,
  key: string,
): AsyncGenerator<readonly (readonly [id: Member, runs: boolean])[]> {
  const last = (Date.now() + MAX_DELAY_MS) * SCORE_PER_MS;
  for (let cursor = '0'; ; ) {
    const [next, found] = await redis.zscanBuffer(key, cursor, 'COUNT', PAGE);
    yield found.flatMap((id, at): (readonly [Member, boolean])[] => {
      const score = Number(String(found[at + 1]));
      return at % 2 === 0 ? [[memberOf(id), score >= 0 && score <= last]] : [];
    });
    cursor = String(next);
    if (cursor === '0') return;
  }
}

/**
 * All jobs of the retry queue. The states are read in the order in which a job passes them, so that a job that moves
 * meanwhile is seen.
 */
export async function readRetryJobs(redis: RedisClient, prefix: string): Promise<RetryJobs> {
  const [ids, calls, corrupt] = [new Set<string>(), new Set<string>(), new Set<Member>()];
  const active: string[] = [];
  const read = async (page: readonly Member[]) => {
    for (const id of page) if (!isText(id)) corrupt.add(id);
    const added = page.filter(isText).filter((id) => !ids.has(id));
    const jobs = await Promise.all(
      added.map((id) =>
        redis.hmget(queueKey(prefix, id), 'name', 'data', ...JSON_FIELDS).catch(() => undefined),
      ),
    );
    for (const [at, id] of added.entries()) {
      ids.add(id);
      const [name, data, ...texts] = jobs[at] ?? [];
      if (typeof name !== 'string' || !texts.every(isJson)) corrupt.add(id);
      const { call } = (parsed(data) ?? {}) as { call?: unknown };
      if (!corrupt.has(id) && typeof call === 'string') calls.add(call);
    }
  };
  const readDelayed = async () => {
    for await (const page of delayed(redis, queueKey(prefix, 'delayed'))) {
      for (const [id, runs] of page) if (!runs) corrupt.add(id);
      await read(page.map(([id]) => id));
    }
  };
  await readDelayed();
  for await (const page of listed(redis, queueKey(prefix, 'wait'))) await read(page);
  for await (const page of listed(redis, queueKey(prefix, 'active'))) {
    active.push(...page.filter(isText));
    await read(page);
  }
  await readDelayed();
  return { ids, active, calls, corrupt: [...corrupt] };
}

/** Removes a job. @returns false when it was in no list, because it has run meanwhile. */
export async function removeJob(redis: RedisClient, prefix: string, id: Member): Promise<boolean> {
  const removed = await Promise.all([
    redis.lrem(queueKey(prefix, 'active'), 0, id),
    redis.lrem(queueKey(prefix, 'wait'), 0, id),
    redis.zrem(queueKey(prefix, 'delayed'), id),
  ]);
  if (removed.every((count) => count === 0)) return false;
  const key = queueKey(prefix, String(id));
  if (isJobId(String(id))) await redis.del(key, `${key}:lock`);
  return true;
}
