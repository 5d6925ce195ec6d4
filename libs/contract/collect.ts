import { z } from 'zod';
import { SoundName } from './text.ts';

/** The longest digits that a decision can collect. */
const MAX_DIGITS = 32;
const COUNT = `must be a whole number from 1 to ${MAX_DIGITS}`;
const MAX_TIMEOUT_S = 60;
const TIMEOUT = `must be whole seconds from 1 to ${MAX_TIMEOUT_S}`;

/** A DTMF digit. */
const DIGIT = '[0-9A-D*#]';

/** Digits that the caller typed. */
export const Digits = z
  .string()
  .max(MAX_DIGITS)
  .regex(new RegExp(`^${DIGIT}*$`));

/** Why the collection of digits ended. */
export const DigitsEnd = z.enum(['terminator', 'max', 'timeout', 'error']);
export type DigitsEnd = z.output<typeof DigitsEnd>;

const count = () => z.int(COUNT).min(1, COUNT).max(MAX_DIGITS, COUNT);

/** Instead of `dial`: the caller types digits, and another request is made with them. */
export const Collect = z
  .strictObject({
    play: SoundName.optional().describe(
      'sound of the operator (SOUNDS) that asks for the digits; the first digit ends it. Default: silence',
    ),
    min: count().default(1).describe('fewer digits are too few'),
    max: count()
      .default(MAX_DIGITS)
      .describe('with so many digits the collection ends at once; at least min'),
    timeout: z
      .int(TIMEOUT)
      .min(1, TIMEOUT)
      .max(MAX_TIMEOUT_S, TIMEOUT)
      .default(5)
      .describe('seconds without a digit, after the sound or the last digit, that end the collection'),
    terminators: z
      .string()
      .max(16, 'must be at most 16 characters')
      .regex(new RegExp(`^${DIGIT}*$`), 'may contain only the digits 0-9, A-D, * and #')
      .default('#')
      .describe('digits that end the collection and are not part of it; empty: none'),
    answer: z
      .boolean('must be true or false')
      .default(true)
      .describe(
        'true: answer the caller first; false: collect during early media (183), which many networks and phones do not send digits in',
      ),
  })
  .describe('the caller types digits; then another request is made, with reason digits');
export type Collect = z.output<typeof Collect>;
