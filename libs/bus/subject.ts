/** NATS ends the connection at a control line of more than 4,096 bytes, the server's default. A subject has two tokens. */
const MAX_TOKEN = 1_024;

/** A message that no NATS server accepts. It is not sent: the server would end the connection of all messages. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError';
}

/**
 * Encodes any text as one token of a NATS subject: other bytes than letters, digits, _ and - become `=` and two hex digits.
 * @throws {UnsendableError} when the token is too long for a subject.
 */
export function subjectToken(text: string): string {
  const token =
    text.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
    ) || '=';
  if (token.length <= MAX_TOKEN) return token;
  throw new UnsendableError(`a token of ${token.length} characters in a NATS subject; at most ${MAX_TOKEN}`);
}

/** Decodes a token made by `subjectToken`. */
export const tokenText = (token: string): string =>
  token === '='
    ? ''
    : token.replaceAll(/(?:=[0-9a-f]{2})+/g, (bytes) =>
        Buffer.from(bytes.replaceAll('=', ''), 'hex').toString('utf8'),
      );
