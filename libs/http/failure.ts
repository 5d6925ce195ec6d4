import { errors } from 'undici';
import type { Phase } from '#libs/contract/phases.ts';
import type { Deadline } from './deadlines.ts';
import type { Failed, HttpFailure } from './types.ts';

/** A failure that is not reported by an error code of Node or undici. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly result: HttpFailure;
  constructor(result: HttpFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.result = result;
  }
}

const TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name was not looked up: the DNS servers do not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ECONNABORTED: 'the connection was aborted',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'the network is unreachable',
  EADDRNOTAVAIL: 'no local port is free to connect from',
  EMFILE: 'the process has reached its limit of open files',
  ETIMEDOUT: 'the operating system timed out the connection',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection was closed before the answer was complete',
  UND_ERR_DESTROYED: 'the connection was closed',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  EPROTO: 'it does not speak TLS on this port, or no accepted TLS version',
};

const TLS_TEXTS: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was closed during the TLS handshake',
  EPIPE: 'the connection was closed during the TLS handshake',
};

const LOST = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_INFO',
]);

/** The code of an error, or of the first address when several were tried. Empty without a code. */
export function errorCode(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (first as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : '';
}

/** Whether the connection was lost, as happens when the server closed it while it was idle. */
export const isLostConnection = (error: unknown): boolean => LOST.has(errorCode(error));

function resultOf(code: string, phase: Phase): HttpFailure {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'body_too_large';
  if (code === 'UND_ERR_INVALID_ARG') return 'refused_url';
  return phase === 'tls' || /^ERR_(?:TLS|SSL)_/.test(code) ? 'tls_failed' : 'connection_failed';
}

function textOf(error: unknown, code: string, phase: Phase): string {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'the headers of the answer are larger than 16 KiB';
  if (code === 'UND_ERR_INVALID_ARG') return 'the request cannot be written as HTTP';
  if (error instanceof errors.HTTPParserError) return 'the answer is not HTTP/1.1';
  const text = (phase === 'tls' ? TLS_TEXTS[code] : undefined) ?? TEXTS[code];
  if (text !== undefined) return code.startsWith('UND_') ? text : `${text} (${code})`;
  const what = phase === 'tls' ? 'the TLS handshake failed' : 'the connection failed';
  return code === '' ? what : `${what} (${code})`;
}

/** The failure of a request that ended with an error of its socket or of undici. */
export function failureOf(error: unknown, phase: Phase, where: string): Failed {
  if (error instanceof HttpError) return { result: error.result, error: `${where}: ${error.message}` };
  const code = errorCode(error);
  return { result: resultOf(code, phase), error: `${where}: ${textOf(error, code, phase)}` };
}

const REASONS: Readonly<Record<Phase, string>> = {
  queue: 'all connections to it were busy',
  dns: 'the DNS lookup was not finished',
  connect: 'no TCP connection was established',
  tls: 'the TLS handshake was not finished',
  ttfb: 'no answer had arrived',
  body: 'the answer was not complete',
};

export const timedOut = (deadline: Deadline, limitMs: number, phase: Phase, where: string): Failed => ({
  result: `${deadline}_timeout`,
  error: `${where}: ${deadline} timeout of ${limitMs} ms: ${REASONS[phase]}`,
});
