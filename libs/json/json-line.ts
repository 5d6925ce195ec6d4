/** JavaScript's line separators, which JSON.stringify leaves as they are and at which readline of Node splits. */
const SEPARATORS = /[\u2028\u2029]/g;

/** JSON text without line separators. */
export const withoutSeparators = (json: string): string =>
  json.replaceAll(SEPARATORS, (separator) => `\\u${separator.charCodeAt(0).toString(16)}`);

/** JSON on one line, whatever reads the lines. */
export const jsonLine = (value: unknown): string => withoutSeparators(JSON.stringify(value));
