import { isUtf8 } from 'node:buffer';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const gb18030 = new TextDecoder('gb18030', { ignoreBOM: true });

/** Decodes UTF-8, or GB18030 when it is not UTF-8: FreeSWITCH passes on the bytes of a phone that uses GBK. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return gb18030.decode(bytes);
  }
}

/** Text whose characters are bytes, as it arrived. */
export const decodeLatin1 = (raw: string): string =>
  NOT_ASCII.test(raw) ? decodeText(Buffer.from(raw, 'latin1')) : raw;

const NOT_ASCII = /[^\0-\x7f]/;

/** The bytes that switch_url_encode in switch_utils.c encodes. A percent sign that begins an escape is kept. */
const ENCODED = /%(?![0-9A-F]{2})|[ "#&+:;<=>?@[\\\]^`{|}]|[^ -~]/g;
const ENCODED_BYTE = /^[ "#%&+:;<=>?@[\\\]^`{|}]$|^[^\0 -~]$/;
/** %25 before two hex digits was not encoded: the percent sign would have begun an escape. */
const ESCAPE = /%(?!25[0-9A-F]{2})([0-9A-F]{2})/g;
const UNDEFINED = '_undef_';

/** A value as FreeSWITCH writes it into the headers of channel data. `raw` has one character for each byte. */
export const encodeHeader = (raw: string): string =>
  raw.replaceAll(ENCODED, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`) ||
  UNDEFINED;

/**
 * Undoes FreeSWITCH's URL encoding of a header of channel data. Escapes that FreeSWITCH cannot have written are kept. An
 * escape that it could have written can also have been in the value itself: see `isAmbiguous`.
 */
export function decodeHeader(raw: string): string {
  if (raw === UNDEFINED) return '';
  if (!raw.includes('%')) return decodeLatin1(raw);
  return decodeLatin1(
    raw.replaceAll(ESCAPE, (sequence, hex: string) => {
      const byte = String.fromCharCode(Number.parseInt(hex, 16));
      return ENCODED_BYTE.test(byte) ? byte : sequence;
    }),
  );
}

/** Whether `decodeHeader` may be wrong: `a%20b` is written for both `a b` and `a%20b`. */
export const isAmbiguous = (raw: string): boolean => raw.includes('%') && decodeHeader(raw) !== raw;

/**
 * Parses FreeSWITCH's JSON, in which each string may have its own encoding. Strings are decoded after parsing: the
 * second byte of a GBK character can equal a backslash.
 */
export function parseJson(bytes: Buffer): unknown {
  if (isUtf8(bytes)) return JSON.parse(bytes.toString('utf8'));
  return JSON.parse(bytes.toString('latin1'), (_, value: unknown) =>
    typeof value === 'string' ? decodeText(Buffer.from(value, 'latin1')) : value,
  );
}

/** A value with a line end, which would start a new header or command on the event socket. */
export class UnsafeValueError extends Error {
  override readonly name = 'UnsafeValueError';
}

const LINE_END_OR_NUL = /[\r\n\0]/;

/** @throws {UnsafeValueError} when the value holds CR, LF or NUL. */
export function oneLine(value: string, what: string): string {
  if (LINE_END_OR_NUL.test(value)) throw new UnsafeValueError(`${what} contains a line end or NUL`);
  return value;
}
