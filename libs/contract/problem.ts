import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));

/** How well a value matches an alternative: the depth of the first error, plus a half when no type was wrong. */
const matchDepth = (issues: readonly Issue[]): number =>
  depth(issues) + (issues.length > 0 && issues.every((issue) => issue.code !== 'invalid_type') ? 0.5 : 0);

/** The errors of the alternative of a union that the value matches best. */
const bestMatch = (alternatives: readonly (readonly Issue[])[]): readonly Issue[] =>
  alternatives.reduce((best, one) => (matchDepth(one) > matchDepth(best) ? one : best), []);

function describe(issue: Issue, path: readonly PropertyKey[]): string {
  const inner =
    issue.code === 'invalid_union'
      ? bestMatch(issue.errors)
      : issue.code === 'invalid_key'
        ? issue.issues
        : [];
  const [first] = inner;
  if (first) return describe(first, [...path, ...first.path]);
  const where = path.join('.') || 'the answer';
  if (issue.code === 'unrecognized_keys') return `${where} has unknown keys: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `${where} is missing or is not ${article(issue.expected)}`;
  return `${where} ${issue.message}`;
}

const article = (expected: string): string => `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;

/** The first error, with the path of its field. Never repeats the value. */
export function problem(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  return issue ? describe(issue, issue.path) : 'is not valid';
}
