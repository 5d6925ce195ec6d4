/** Replaces all but the last two characters of a number by asterisks. */
export const maskNumber = (number: string): string => {
  const shown = number.length > 2 ? number.slice(-2) : '';
  return '*'.repeat(number.length - shown.length) + shown;
};

const NUMBER_FIELDS = ['from', 'to', 'number'];
const NOT_REGISTERED = /(?<=not registered: ).*/s;

/** Masks the telephone numbers in the fields of a log line. */
export function maskLine(line: Record<string, unknown>): Record<string, unknown> {
  const masked = { ...line };
  for (const field of NUMBER_FIELDS) {
    const value = masked[field];
    if (typeof value === 'string') masked[field] = maskNumber(value);
  }
  const { error } = masked;
  if (typeof error === 'string') masked['error'] = error.replace(NOT_REGISTERED, maskNumber);
  return masked;
}
