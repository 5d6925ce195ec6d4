/** Encodes any text as one token of a NATS subject: other bytes than letters, digits, _ and - become `=` and two hex digits. */
export const subjectToken = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  ) || '=';

/** Decodes a token made by `subjectToken`. */
export const tokenText = (token: string): string =>
  token === '='
    ? ''
    : token.replaceAll(/(?:=[0-9a-f]{2})+/g, (bytes) =>
        Buffer.from(bytes.replaceAll('=', ''), 'hex').toString('utf8'),
      );
