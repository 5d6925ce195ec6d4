import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));

/** How well a value matches an alternative: the depth of the first error, plus a half when no type was wrong. */
const matchDepth = (issues: readonly Issue[]): number =>
  depth(issues) + (issues.length > 0 && issues.every((issue) => issue.code !== 'invalid_type') ? 0.5 : 0);

/** The errors of the alternative of a union that the value matches best. */
const bestMatch = (alternatives: readonly (readonly Issue[])[]): readonly Issue[] =>
  alternatives.reduce((best, one) => (matchDepth(one) > matchDepth(best) ? one : best), []);

function describe(issue: Issue, path: readonly PropertyKey[], whole: string): string {
  const inner =
    issue.code === 'invalid_union'
      ? bestMatch(issue.errors)
      : issue.code === 'invalid_key'
        ? issue.issues
        : [];
  const [first] = inner;
  if (first) return describe(first, [...path, ...first.path], whole);
  const where = path.join('.') || whole;
  if (issue.code === 'unrecognized_keys') return `${where} has unknown keys: ${issue.keys.join(', ')}`;
  if (issue.code !== 'invalid_type')
    return `${where} ${issue.message}${issue.code === 'invalid_union' ? whatCame(issue) : ''}`;
  if (!('input' in issue)) return `${where} is missing or is not ${kindName(issue.expected)}`;
  if (issue.input === undefined) return `${where} is missing`;
  // A fraction where a whole number is expected: the message of the schema has the rule.
  if (issue.expected === 'int' && typeof issue.input === 'number') return `${where} ${issue.message}`;
  return `${where} must be ${kindName(issue.expected)}, not ${kindOf(issue.input)}`;
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const kindName = (expected: string): string =>
  NAMES[expected] ?? `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  return kindName(Array.isArray(value) ? 'array' : typeof value);
}

/**
 * Needs `reportInput`. Left out for a number, whose value may be wrong rather than its type, and for a discriminated
 * union, whose path is that of the discriminator and whose value is the whole object.
 */
function whatCame(issue: Issue): string {
  if (!('input' in issue) || 'discriminator' in issue || typeof issue.input === 'number') return '';
  return issue.input === undefined ? ', but is missing' : `, not ${kindOf(issue.input)}`;
}

/**
 * The first error, with the path of its field and, if parsed with `reportInput`, the type of the value. Never repeats the
 * value. `whole` names what was parsed.
 */
export function problem(error: z.core.$ZodError, whole = 'the answer'): string {
  const [issue] = error.issues;
  return issue ? describe(issue, issue.path, whole) : 'is not valid';
}
