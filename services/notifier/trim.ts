import type { Redis } from 'ioredis';
import type { DeadLetterLimits, DeadLetters } from '#libs/queue/dead-letters.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Clock } from './clock.ts';

const EVERY_MS = 10_000;

/** Brings the dead letters back within their limits from time to time and says what it drops. Returns what ends it. */
export function trimDeadLetters(
  letters: DeadLetters,
  limits: DeadLetterLimits,
  redis: Redis,
  clock: Clock,
  log: Log,
): () => void {
  let inAll = 0;
  const trim = async () => {
    const trimmed = await letters.trim(limits, clock.now());
    if (trimmed === 0) return;
    inAll += trimmed;
    log.warn('dead_letters.trimmed', { trimmed, trimmed_in_all: inAll });
  };
  const timer = setInterval(() => {
    if (redis.status !== 'ready') return;
    trim().catch((error: unknown) => log.warn('dead_letters.trim_failed', { err: error }));
  }, EVERY_MS);
  return () => clearInterval(timer);
}
