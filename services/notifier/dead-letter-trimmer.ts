import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { DeadLetterLimits, DeadLetters } from '#libs/queue/dead-letters.ts';
import type { RedisClient } from '#libs/queue/redis.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Clock } from './clock.ts';

const EVERY_MS = 10_000;

/** Keeps the dead letters within their limits and logs how many it removes. @returns a function that stops it. */
export function trimDeadLetters(
  letters: DeadLetters,
  limits: DeadLetterLimits,
  redis: RedisClient,
  clock: Clock,
  log: Log,
  aside: SetAside,
): () => void {
  let total = 0;
  const trim = async () => {
    const trimmed = await letters.trim(limits, clock.now(), (id) =>
      aside.add('dead_letter', 'the dead letter cannot be read', { dead_letter: id }),
    );
    if (trimmed === 0) return;
    total += trimmed;
    log.warn('dead_letters.trimmed', { trimmed, trimmed_in_all: total });
  };
  const timer = setInterval(() => {
    if (redis.status !== 'ready') return;
    trim().catch((error: unknown) => log.warn('dead_letters.trim_failed', { err: error }));
  }, EVERY_MS);
  return () => clearInterval(timer);
}
