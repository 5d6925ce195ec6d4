// Taken before a test installs fake timers, so that a wait under fake timers still ends.
const { setTimeout: later } = globalThis;
const now = performance.now.bind(performance);

const DEADLINE_MS = 60_000;
const POLL_MS = 5;

/**
 * It holds when it returns true, or when it returns nothing: then its assertions have passed. What it throws counts as
 * "not yet".
 */
// biome-ignore lint/suspicious/noConfusingVoidType: `() => void` alone would accept a function that returns a number
type Condition = () => boolean | void | Promise<boolean | void>;

/**
 * Polls until `condition` holds, for 60 s at most. The only way to wait for a state in tests:
 *
 *     await until('the call is delivered', () => endpoint.accepted.length === 1);
 *     await until(() => expect(lines).toHaveLength(3));
 */
export function until(description: string, condition: Condition): Promise<void>;
export function until(condition: Condition): Promise<void>;
export async function until(first: string | Condition, second?: Condition): Promise<void> {
  const condition = typeof first === 'string' ? second : first;
  if (condition === undefined) throw new TypeError('until needs a condition');
  const deadline = now() + DEADLINE_MS;
  for (;;) {
    let cause: unknown;
    try {
      if ((await condition()) !== false) return;
    } catch (error) {
      cause = error;
    }
    if (now() > deadline) throw new Error(`timed out waiting: ${first}`, { cause });
    await new Promise((resolve) => later(resolve, POLL_MS));
  }
}
