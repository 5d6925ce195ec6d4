import { errors } from 'undici';
import type { Phase } from '#libs/contract/phases.ts';
import type { Deadline } from './deadlines.ts';
import type { Failed, HttpFailure } from './types.ts';

/** A failure that has no error code of Node's or undici's. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly result: HttpFailure;
  constructor(result: HttpFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.result = result;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name could not be looked up: the DNS servers do not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ECONNABORTED: 'the connection was aborted',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'the network is unreachable',
  EADDRNOTAVAIL: 'there is no local address or port left to connect from',
  EMFILE: 'this process may open no more sockets: raise its limit of open files',
  ETIMEDOUT: 'the network gave up connecting',
  UND_ERR_SOCKET: 'the connection was closed before the whole answer was there',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection was closed before the whole answer was there',
  UND_ERR_DESTROYED: 'the connection was closed',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  EPROTO: 'it does not speak TLS on this port, or no version of it that is accepted here',
};

const TLS_WORDS: Readonly<Record<string, string>> = {
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

/** The code of an error; of one that stands for several addresses, the first address's. Empty without one. */
export function errorCode(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (first as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : '';
}

/** Whether the connection ended under the request, as one does that the server had closed while it was idle. */
export const isLostConnection = (error: unknown): boolean => LOST.has(errorCode(error));

function resultOf(code: string, phase: Phase): HttpFailure {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'body_too_large';
  if (code === 'UND_ERR_INVALID_ARG') return 'refused_url';
  return phase === 'tls' || /^ERR_(?:TLS|SSL)_/.test(code) ? 'tls_failed' : 'connection_failed';
}

function wordsOf(error: unknown, code: string, phase: Phase): string {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'the headers of the answer are larger than the limit';
  if (code === 'UND_ERR_INVALID_ARG') return 'the request cannot be written as HTTP';
  if (error instanceof errors.HTTPParserError) return 'the answer is not HTTP/1.1';
  const words = (phase === 'tls' ? TLS_WORDS[code] : undefined) ?? WORDS[code];
  if (words !== undefined) return code.startsWith('UND_') ? words : `${words} (${code})`;
  const what = phase === 'tls' ? 'the TLS handshake failed' : 'the connection failed';
  return code === '' ? what : `${what} (${code})`;
}

/** What an error of a socket or of undici means for the call that it ended. */
export function failureOf(error: unknown, phase: Phase, where: string): Failed {
  if (error instanceof HttpError) return { result: error.result, error: `${where}: ${error.message}` };
  const code = errorCode(error);
  return { result: resultOf(code, phase), error: `${where}: ${wordsOf(error, code, phase)}` };
}

const WAITED_FOR: Readonly<Record<Phase, string>> = {
  queue: 'every connection allowed to it was busy',
  dns: 'its name was still being looked up',
  connect: 'no TCP connection came about',
  tls: 'the TLS handshake was not finished',
  ttfb: 'nothing of the answer had come',
  body: 'the answer had begun but was not complete',
};

export const timedOut = (deadline: Deadline, limitMs: number, phase: Phase, where: string): Failed => ({
  result: `${deadline}_timeout`,
  error: `${where}: ${deadline} timeout of ${limitMs} ms passed, ${WAITED_FOR[phase]}`,
});
