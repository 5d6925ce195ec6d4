import type { RedisClient } from './redis.ts';

export type KeyType = 'string' | 'list' | 'hash' | 'set' | 'zset' | 'stream';

const KEEP_MS = 86_400_000;
const reporters = new WeakMap<RedisClient, (key: string) => void>();

/** The types of our keys by their names (keys.ts). */
const TYPES: readonly (readonly [RegExp, KeyType])[] = [
  [/\}:waiting:/, 'list'],
  [/\}:seen:/, 'hash'],
  [/\}:(?:claim:|lease$|written:|waited$)/, 'string'],
  [/\}:pending$/, 'set'],
  [/:retry\}:checked$/, 'string'],
  [/:notifiers\}$/, 'zset'],
  [/:endpoints\}:known$/, 'set'],
  [/:endpoints\}:/, 'hash'],
  [/:dead\}:letters$/, 'hash'],
  [/:dead\}:/, 'zset'],
];

export const isWrongType = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('WRONGTYPE');

/** Calls `report` for each key that is set aside through this client. */
export const onKeySetAside = (redis: RedisClient, report: (key: string) => void): void =>
  void reporters.set(redis, report);

/** Renames a key of the wrong type to `KEY:aside` and keeps it for a day. Returns whether it did. */
export async function setAsideKey(
  redis: RedisClient,
  rename: (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>,
  key: string,
  type: KeyType | undefined = TYPES.find(([names]) => names.test(key))?.[1],
): Promise<boolean> {
  if (type === undefined || (await rename([key, `${key}:aside`], [type, KEEP_MS])) !== 1) return false;
  reporters.get(redis)?.(key);
  return true;
}
