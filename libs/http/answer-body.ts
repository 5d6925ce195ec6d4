import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { HttpError } from './failure.ts';
import type { ResponseHeaders } from './types.ts';

/** The text of a body; when it is not text, an empty body and the reason, which repeats no part of the body. */
export interface BodyText {
  readonly body: string;
  readonly bodyError?: string;
}

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;

/** `deflate` is the zlib format, but some servers send raw deflate data. */
const inflate: Decompress = (bytes, options) => {
  const isZlib = ((bytes[0] ?? 0) & 0x0f) === 8 && bytes.length > 1 && bytes.readUInt16BE(0) % 31 === 0;
  return isZlib ? inflateSync(bytes, options) : inflateRawSync(bytes, options);
};

const CODINGS: Readonly<Record<string, Decompress>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  deflate: inflate,
};

type Decoder = InstanceType<typeof TextDecoder>;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const LENIENT_UTF8 = new TextDecoder();
/** By label. Bounded, because only labels that Node knows are stored. */
const DECODERS = new Map([['utf-8', UTF8]]);

/** The charset of a byte order mark, which takes precedence over the declared charset. */
function markedCharset(bytes: Buffer): string | undefined {
  const [first = 0, second = 0, third = 0] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

const header = (headers: ResponseHeaders, name: string): string => {
  const value = headers[name] ?? '';
  return typeof value === 'string' ? value : (value[0] ?? '');
};

/** Names of charsets and codings come from the endpoint. */
const printable = (name: string): string => name.replaceAll(/[^\w.:+-]/g, '?').slice(0, 40);

function decoderOf(charset: string): Decoder | undefined {
  const known = DECODERS.get(charset);
  if (known) return known;
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    DECODERS.set(charset, decoder);
    return decoder;
  } catch {
    return undefined;
  }
}

const declaredCharset = (headers: ResponseHeaders): string | undefined =>
  /;\s*charset\s*=\s*["']?([^\s"';,]+)/i.exec(header(headers, 'content-type'))?.[1]?.toLowerCase();

/** @throws {HttpError} `body_too_large` when the decompressed body has more than `maxBytes`. */
function decompressed(
  bytes: Buffer,
  coding: string,
  decompress: Decompress,
  maxBytes: number,
): Buffer | undefined {
  try {
    return decompress(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpError(
        'body_too_large',
        `the ${coding} answer is larger than ${maxBytes} bytes when decompressed (MAX_BODY_BYTES)`,
      );
    return undefined;
  }
}

const unreadable = (bodyError: string): BodyText => ({ body: '', bodyError });

/**
 * Decompresses the body of a 2xx answer (gzip, deflate, br) and decodes it with its declared charset, UTF-8 by default.
 * A coding or charset that is unknown is ignored when the body is UTF-8 nevertheless.
 * @throws {HttpError} `body_too_large`
 */
export function bodyText(bytes: Buffer, headers: ResponseHeaders, maxBytes: number): BodyText {
  const coding = header(headers, 'content-encoding').trim().toLowerCase();
  const decompress = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  const plain = decompress && bytes.length > 0 ? decompressed(bytes, coding, decompress, maxBytes) : bytes;
  if (!plain) return unreadable(`the answer is not valid ${coding}, its Content-Encoding`);
  const declared = markedCharset(plain) ?? declaredCharset(headers);
  const charset = declared ?? 'utf-8';
  const decoder = decoderOf(charset);
  try {
    return { body: (decoder ?? UTF8).decode(plain) };
  } catch {
    if (!decompress && coding !== '' && coding !== 'identity')
      return unreadable(`the answer has a Content-Encoding that is not supported: ${printable(coding)}`);
    if (!decompress && bytes[0] === 0x1f && bytes[1] === 0x8b)
      return unreadable('the answer is compressed with gzip, but has no Content-Encoding');
    if (!decoder) return unreadable(`the answer has a charset that is not supported: ${printable(charset)}`);
    const advice = declared === undefined ? '; declare another charset in Content-Type' : '';
    return unreadable(`the answer is not valid ${charset}${advice}`);
  }
}

/** The body of an answer whose body is not used, for display only: it may be cut, compressed or not text. */
export function displayText(bytes: Buffer, headers: ResponseHeaders, maxBytes: number): string {
  try {
    const { body, bodyError } = bodyText(bytes, headers, maxBytes);
    return bodyError === undefined ? body : LENIENT_UTF8.decode(bytes);
  } catch {
    return '';
  }
}
