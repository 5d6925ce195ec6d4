import { isUtf8 } from 'node:buffer';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const gb18030 = new TextDecoder('gb18030');

/** Text as FreeSWITCH passes it on: UTF-8 as a rule, the bytes of a GBK phone's display name now and then. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return gb18030.decode(bytes);
  }
}

/** Undoes FreeSWITCH's URL encoding of header values; a percent sign that encodes nothing stays what it is. */
export function decodeHeader(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return decodeBytes(value);
  }
}

/** The slow way, for what is not UTF-8 or holds a bare percent sign. */
function decodeBytes(value: string): string {
  const bytes = value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decodeText(Buffer.from(bytes, 'latin1'));
}

/**
 * JSON as FreeSWITCH writes it: bytes beyond ASCII as they came, so that each string may have its own encoding. The
 * second byte of a GBK letter may be that of a backslash, which decoding the whole would take for one.
 */
export function parseJson(bytes: Buffer): unknown {
  if (isUtf8(bytes)) return JSON.parse(bytes.toString('utf8'));
  return JSON.parse(bytes.toString('latin1'), (_, value: unknown) =>
    typeof value === 'string' ? decodeText(Buffer.from(value, 'latin1')) : value,
  );
}

/** A value that would leave its line on the event socket, where a line end starts a new header or command. */
export class UnsafeValueError extends Error {
  override readonly name = 'UnsafeValueError';
}

const LINE_END_OR_NUL = /[\r\n\0]/;

/** @throws {UnsafeValueError} when the value holds CR, LF or NUL. */
export function oneLine(value: string, what: string): string {
  if (LINE_END_OR_NUL.test(value)) throw new UnsafeValueError(`${what} holds a line end or NUL`);
  return value;
}
