/** Text as one token of a NATS subject. Different texts are different tokens. */
export const subjectToken = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_-]/gu, (sign) =>
    [...Buffer.from(sign)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  ) || '=';

/** The text of a token. */
export const tokenText = (token: string): string =>
  token === '='
    ? ''
    : token.replaceAll(/(?:=[0-9a-f]{2})+/g, (bytes) =>
        Buffer.from(bytes.replaceAll('=', ''), 'hex').toString('utf8'),
      );
