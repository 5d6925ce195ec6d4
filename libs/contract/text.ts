import { z } from 'zod';

/** Longest value a channel variable may carry, in characters. */
export const MAX_VALUE_LENGTH = 4096;

const pattern = (regex: RegExp, max: number, message: string) =>
  z.string().max(max, `must be at most ${max} characters`).regex(regex, message);

/** A number to dial. Digits, letters and the signs that occur in numbers; nothing a dial string gives a meaning to. */
export const DialNumber = z
  .union([z.string(), z.number().int().nonnegative('must not be negative').transform(String)], {
    error: 'must be text or a whole number',
  })
  .pipe(pattern(/^[0-9A-Za-z*#+_.-]+$/, 64, 'may hold only digits, letters and * # + _ . -'));

/** The name of a sofia gateway, sofia profile or directory user. */
export const SipName = pattern(
  /^[0-9A-Za-z_][0-9A-Za-z_.+-]*$/,
  64,
  'may hold only letters, digits and _ . + -',
);

/** A host, IPv4 or bracketed IPv6 address, with an optional port. */
export const HostPort = pattern(
  /^(?:[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
  255,
  'must be HOST or HOST:PORT, an IPv6 address in brackets',
);

/** ${ with dollars and backslashes between; from the first of them on, since from each it would take a square of the time. */
const EXPANDED = /(?<![$\\])\\*\$[$\\]*\{/;
const CONTROL_OR_LINE = /\p{Cc}|\u2028|\u2029/u;

/** The value of a channel variable: one line, never expanded by FreeSWITCH, never an array in disguise. */
export const VariableText = z
  .string()
  .max(MAX_VALUE_LENGTH, `must be at most ${MAX_VALUE_LENGTH} characters`)
  .refine((text) => text.isWellFormed(), 'must not hold half a character (a lone surrogate)')
  .refine((text) => !CONTROL_OR_LINE.test(text), 'must not hold control characters or line ends')
  .refine((text) => !EXPANDED.test(text), 'must not hold ${, which FreeSWITCH would expand')
  .refine((text) => !text.includes("\\'"), "must not hold \\', which FreeSWITCH drops without a word")
  .refine(
    (text) => !text.startsWith('ARRAY::'),
    'must not start with ARRAY::, which FreeSWITCH reads as a list',
  );

/** As an endpoint may write a value: text, a number or a boolean; text from here on. */
export const VariableValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a string, a number or a boolean' })
  .transform(String)
  .pipe(VariableText);

const UNSAFE_IN_BRACKETS = /[;'"\\[\]{}<>|^]|:_:|origination_nested_vars=true|^ | $/i;

/**
 * A value that can stand in {^^;...} or [^^;...] of a dial string. FreeSWITCH reads such text in several passes, looking
 * for `:_:` and for `origination_nested_vars=true` even before it looks for brackets; what means something to one of
 * them is refused.
 */
export const BracketText = VariableText.refine(
  (text) => !UNSAFE_IN_BRACKETS.test(text),
  'cannot stand in a dial string',
);

/** The name of a channel variable. Which of them an endpoint may set is refused-variables.ts's to say. */
export const VariableName = pattern(
  /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  128,
  'may hold only letters, digits and _ . -, and starts with a letter',
).refine(
  // In a dial string FreeSWITCH looks for `origination_nested_vars=true` anywhere, in the middle of a name too.
  (name) => !/.origination_nested_vars$/i.test(name),
  'must not end with origination_nested_vars',
);
