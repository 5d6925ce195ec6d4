/**
 * The only parser of numbers that come from FreeSWITCH as text: a whole number in decimal digits, from 0 to `max`.
 * undefined for any other text, such as `1e30`, `-1`, `1.5` or ` 1`. `max` must be a safe integer.
 */
export function wholeNumber(text: string, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
