import { errors } from 'undici';
import { HttpError } from './failure.ts';
import type { ResponseHeaders } from './types.ts';

/** How much of an answer was read when it failed. */
export interface Unfinished {
  /** The first piece of the answer, which usually contains its head. */
  readonly firstPiece: Buffer;
  /** The status is 0 while the head is not complete. */
  readonly head: { readonly status: number; readonly headers: ResponseHeaders };
  readonly bodyBytes: number;
}

/** Why a head is not valid HTTP/1.1, when the reason is a common one. */
function headFault(firstPiece: Buffer): string | undefined {
  const [head = ''] = firstPiece.toString('latin1').split('\r\n\r\n');
  if (!head.startsWith('HTTP/')) return undefined;
  if (/[^\r]\n/.test(head)) return 'a line of its head ends with LF instead of CRLF';
  const lengths = [...head.matchAll(/\ncontent-length[ \t]*:/gi)].length;
  if (lengths > 0 && /\ntransfer-encoding[ \t]*:/i.test(head))
    return 'it has both Content-Length and Transfer-Encoding';
  return lengths > 1 ? 'it has several Content-Length headers' : undefined;
}

const violation = (reason: string | undefined): HttpError =>
  new HttpError(
    'connection_failed',
    `the answer is not HTTP/1.1${reason === undefined ? '' : `: ${reason}`}`,
  );

/** `error` with the reason, when undici could not read an answer because it violates HTTP or is cut off. */
export function answerFault(error: unknown, { firstPiece, head, bodyBytes }: Unfinished): unknown {
  const isViolation = error instanceof errors.HTTPParserError;
  // undici reports every violation after a Content-Length header as a mismatch of the length.
  const isMismatch = error instanceof errors.ResponseContentLengthMismatchError;
  if (head.status === 0) return isViolation || isMismatch ? violation(headFault(firstPiece)) : error;
  const { 'content-length': length } = head.headers;
  if (length === undefined) return isViolation ? violation('its chunked body is malformed') : error;
  if (!isMismatch && !(error instanceof errors.SocketError)) return error;
  return new HttpError(
    'connection_failed',
    `the connection was closed after ${bodyBytes} of the ${length} bytes announced by Content-Length`,
  );
}
