import { Decision } from './decision.ts';

/** A name without case, `_`, `-` and blanks. */
const folded = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, '');

const FIELDS = new Map(Object.keys(Decision.shape).map((field) => [folded(field), field]));

/** The keys of an answer that are not fields of a decision: an endpoint may add keys of its own. */
export const ownKeys = (answer: unknown): string[] =>
  typeof answer === 'object' && answer !== null && !Array.isArray(answer)
    ? Object.keys(answer).filter((key) => !Object.hasOwn(Decision.shape, key))
    : [];

/**
 * The error of a key that spells a field in another way, such as `callerId`. Ignored like other keys, it would show a
 * party the number that the endpoint wants to replace.
 */
export function misspelledKey(answer: unknown): string | undefined {
  for (const key of ownKeys(answer)) {
    const field = FIELDS.get(folded(key));
    if (field !== undefined) return `${key} is not a field: write ${field}`;
  }
  return undefined;
}
