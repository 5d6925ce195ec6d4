import { readFileSync } from 'node:fs';
import type { RedisClient } from './redis.ts';

export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

export const luaText = (name: string): string =>
  readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');

/**
 * A Lua script of `lua/`, by file name without suffix. Each server gets its text once, then only its hash (EVALSHA).
 * The header of each file documents KEYS, ARGV, result and invariants.
 */
export function script(redis: RedisClient, name: string): Script {
  const command = `dialhook-${name}`;
  if (!Reflect.has(redis, command)) {
    redis.defineCommand(command, { lua: luaText(name) });
  }
  const run = Reflect.get(redis, command) as (...args: (string | number)[]) => Promise<unknown>;
  return (keys, args) => run.call(redis, keys.length, ...keys, ...args);
}
