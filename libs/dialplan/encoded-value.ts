/** Any JSON value as text that FreeSWITCH neither expands, splits nor decodes. */
export const encodedValue = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** The value in such a text; undefined when the text is empty or damaged. */
export function decodedValue(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
