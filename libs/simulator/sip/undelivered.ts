/** A response that sofia-sip makes itself, because it cannot send a request. */
export interface OwnResponse {
  readonly status: number;
  readonly phrase: string;
}

/** Not in the user part of a SIP URI. */
const UNSAFE_IN_URI = /[{}<>"\\^`|\s]/;
/** A domain that never resolves (RFC 2606). */
const UNKNOWN_DOMAIN = /\.invalid(?::\d+)?$/i;
/** The discard port of this machine: nothing listens there. */
const REFUSING = /^127\.0\.0\.1:9$/;

/** Why an INVITE with this caller number cannot reach `host`; undefined if it can. */
export function undelivered(callerNumber: string, host: string): OwnResponse | undefined {
  if (UNSAFE_IN_URI.test(callerNumber)) return { status: 900, phrase: 'Internal error at nua_client.c:552' };
  if (UNKNOWN_DOMAIN.test(host)) return { status: 503, phrase: 'DNS Error' };
  return REFUSING.test(host) ? { status: 503, phrase: 'Service Unavailable' } : undefined;
}
