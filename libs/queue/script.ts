import { readFileSync } from 'node:fs';
import type { Member } from './member.ts';
import type { RedisClient } from './redis.ts';
import { isWrongType, type KeyType, setAsideKey } from './wrong-type.ts';

export type Script = (keys: readonly string[], args: readonly (Member | number)[]) => Promise<unknown>;

const INCLUDE = /^--- @include "(.+)"$/gm;

const fileText = (name: string): string => readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');

/** The text of a Lua file. A line `--- @include "NAME"`, as in BullMQ's scripts, is replaced by `includes/NAME.lua`. */
export const luaText = (name: string): string =>
  fileText(name).replaceAll(INCLUDE, (_, included: string) => fileText(`includes/${included}`).trimEnd());

function defined(redis: RedisClient, name: string): Script {
  const command = `dialhook-${name}`;
  if (!Reflect.has(redis, command)) {
    redis.defineCommand(command, { lua: luaText(name) });
  }
  const run = Reflect.get(redis, command) as (...args: (Member | number)[]) => Promise<unknown>;
  return (keys, args) => run.call(redis, keys.length, ...keys, ...args);
}

/** How often `work` runs at most when another program writes keys of the wrong type meanwhile. */
const MAX_RUNS = 5;

/**
 * Runs `work`. If one of the keys has the wrong type, it is set aside and `work` runs again: a foreign value under
 * one key stops nothing but what was stored there.
 */
export async function withKeys<T>(
  redis: RedisClient,
  keys: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  for (let run = 1; ; run++) {
    try {
      return await work();
    } catch (error) {
      if (!isWrongType(error) || run === MAX_RUNS) throw error;
      // Another command may have set the key aside meanwhile.
      await setAsideKeys(redis, new Set(keys));
    }
  }
}

/** Sets those keys aside that have the wrong type. `type` is for keys that are not in keys.ts. @returns the number. */
export async function setAsideKeys(
  redis: RedisClient,
  keys: Iterable<string>,
  type?: KeyType,
): Promise<number> {
  const rename = defined(redis, 'set-aside-key');
  const renamed = await Promise.all([...keys].map((key) => setAsideKey(redis, rename, key, type)));
  return renamed.filter((done) => done).length;
}

/**
 * A Lua script of `lua/`, by file name without suffix. Each server gets its text once, then only its hash (EVALSHA).
 * The header of each file documents KEYS, ARGV, result and invariants. Keys of the wrong type are set aside.
 */
export function script(redis: RedisClient, name: string): Script {
  const run = defined(redis, name);
  return (keys, args) => withKeys(redis, keys, () => run(keys, args));
}
