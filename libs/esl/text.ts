import { isUtf8 } from 'node:buffer';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const gb18030 = new TextDecoder('gb18030');

/** Decodes UTF-8, or GB18030 when it is not UTF-8: FreeSWITCH passes on the bytes of a phone that uses GBK. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return gb18030.decode(bytes);
  }
}

/** Undoes FreeSWITCH's URL encoding of header values. A percent sign that encodes nothing is kept. */
export function decodeHeader(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return decodeBytes(value);
  }
}

/** Slower: for values that are not UTF-8 or have a bare percent sign. */
function decodeBytes(value: string): string {
  const bytes = value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decodeText(Buffer.from(bytes, 'latin1'));
}

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
