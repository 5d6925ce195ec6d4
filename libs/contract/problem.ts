import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));

/** How far a value was understood: deep inside it, or at least as one of the right type. */
const understood = (issues: readonly Issue[]): number =>
  depth(issues) + (issues.length > 0 && issues.every((issue) => issue.code !== 'invalid_type') ? 0.5 : 0);

/** Of a union's alternatives, the one that was meant. */
const nearest = (alternatives: readonly (readonly Issue[])[]): readonly Issue[] =>
  alternatives.reduce((best, one) => (understood(one) > understood(best) ? one : best), []);

function words(issue: Issue, path: readonly PropertyKey[]): string {
  const inner =
    issue.code === 'invalid_union' ? nearest(issue.errors) : issue.code === 'invalid_key' ? issue.issues : [];
  const [first] = inner;
  if (first) return words(first, [...path, ...first.path]);
  const where = path.join('.') || 'the answer';
  if (issue.code === 'unrecognized_keys')
    return `${where} has keys it may not have: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `${where} is missing or is not ${article(issue.expected)}`;
  return `${where} ${issue.message}`;
}

const article = (expected: string): string => `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;

/** The first thing wrong with a value, naming the field. The value itself is not repeated. */
export function problem(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  return issue ? words(issue, issue.path) : 'is not valid';
}
