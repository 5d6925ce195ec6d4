import type { z } from 'zod';

/**
 * Error map for `safeParse(value, { error: plainErrors })`: says what a value must be in the words of the settings and of
 * the console's API. Errors that a schema words itself take precedence; undefined leaves zod's own text.
 */
export const plainErrors: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : undefined;
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', issue.maximum)}`;
    case 'too_small':
      return `must ${amount(issue.origin, 'at least', issue.minimum)}`;
    default:
      return undefined;
  }
};

const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries' };

function amount(origin: string, bound: string, value: number | bigint): string {
  const unit = UNITS[origin];
  return unit === undefined ? `be ${bound} ${value}` : `have ${bound} ${value} ${unit}`;
}
