/**
 * The arguments of one call: the value of the channel variable `cti_bridge`.
 *
 *     http://crm.example/binding 3000 3000 1 http://standby.example/binding
 */
export interface CtiBridgeArguments {
  /** http or https URL without fragment, percent-encoded. */
  readonly url: string;
  /** Time limit for TCP and TLS together, 1 to 60,000 ms. Default: 3000. */
  readonly connectTimeoutMs: number;
  /** Time limit from the sent request to the last byte of the answer, 1 to 60,000 ms. Default: 3000. */
  readonly responseTimeoutMs: number;
  /** Whether the endpoint gets notifications. Default: true. */
  readonly notify: boolean;
  /** URL that gets the request when `url` does not decide, in the time that is left of both timeouts. */
  readonly fallbackUrl?: string;
}

export type ParsedArguments =
  | { readonly ok: true; readonly endpoint: CtiBridgeArguments }
  | { readonly ok: false; readonly error: string };

export const DEFAULT_TIMEOUT_MS = 3000;
const MAX_TIMEOUT_MS = 60_000;
/** Maximum length of all arguments together, in bytes, as the dialplan writes them and percent-encoded. */
export const MAX_ARGUMENTS_BYTES = 16_384;
const TOO_LONG = `cti_bridge is longer than ${MAX_ARGUMENTS_BYTES} bytes, percent-encoded`;

const wrong = (error: string): ParsedArguments => ({ ok: false, error });

function timeout(name: string, text: string | undefined): number | string {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const ms = Number(text);
  if (/^\d+$/.test(text) && ms >= 1 && ms <= MAX_TIMEOUT_MS) return ms;
  return `${name} must be whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`;
}

/** An http or https URL in the form that Dialhook uses: percent-encoded, without fragment; undefined for anything else. */
export function endpointUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.hash = '';
  return url.href.replaceAll('$', '%24').replaceAll('\\', '%5C');
}

/**
 * Parses `URL [CONNECT_TIMEOUT_MS [RESPONSE_TIMEOUT_MS [NOTIFY_TYPE [FALLBACK_URL]]]]`, separated by white space; a
 * space inside a URL is written %20, NOTIFY_TYPE is 0 or 1. `error` is for `dialhook_error` and never repeats the input.
 */
export function parseArguments(text: string): ParsedArguments {
  if (Buffer.byteLength(text) > MAX_ARGUMENTS_BYTES) return wrong(TOO_LONG);
  const [urlText, connectText, responseText, notifyText, fallbackText, ...rest] = text
    .split(/\s+/)
    .filter((part) => part !== '');
  if (urlText === undefined) return wrong('URL is missing: set cti_bridge=http://host/path before socket');
  if (rest.length > 0) return wrong('more than five arguments: write a space inside the URL as %20');
  const url = endpointUrl(urlText);
  if (url === undefined) return wrong('URL must start with http:// or https:// and name a host');
  const connectTimeoutMs = timeout('connect timeout', connectText);
  if (typeof connectTimeoutMs === 'string') return wrong(connectTimeoutMs);
  const responseTimeoutMs = timeout('response timeout', responseText);
  if (typeof responseTimeoutMs === 'string') return wrong(responseTimeoutMs);
  if (notifyText !== undefined && notifyText !== '0' && notifyText !== '1')
    return wrong('notify type must be 0 (none) or 1 (progress)');
  const fallbackUrl = fallbackText === undefined ? undefined : endpointUrl(fallbackText);
  if (fallbackText !== undefined && fallbackUrl === undefined)
    return wrong('fallback URL must start with http:// or https:// and name a host');
  const required = { url, connectTimeoutMs, responseTimeoutMs, notify: notifyText !== '0' };
  const endpoint = fallbackUrl === undefined ? required : { ...required, fallbackUrl };
  return formatArguments(endpoint).length > MAX_ARGUMENTS_BYTES ? wrong(TOO_LONG) : { ok: true, endpoint };
}

/** The value of `cti_bridge` for these arguments: printable ASCII without `$`, so that FreeSWITCH expands nothing. */
export function formatArguments(endpoint: CtiBridgeArguments): string {
  const { url, connectTimeoutMs, responseTimeoutMs, notify, fallbackUrl } = endpoint;
  const fallback = fallbackUrl === undefined ? [] : [fallbackUrl];
  return [url, connectTimeoutMs, responseTimeoutMs, notify ? 1 : 0, ...fallback].join(' ');
}
