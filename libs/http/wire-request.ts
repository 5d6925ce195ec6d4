import { parseHttpUrl, portOf } from '#libs/net/url.ts';
import { Signatures } from './signatures.ts';
import type { HttpRequest } from './types.ts';

/** A call as it goes over the wire. */
export interface WireRequest {
  /** `scheme://host:port`: what connections are shared by. */
  readonly origin: string;
  /** For words and log lines: host and port without userinfo. */
  readonly where: string;
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

const UNSIGNED = new Signatures({});

const jsonText = (body: Readonly<Record<string, unknown>>): string => JSON.stringify(body);

/** Where an endpoint is, as far as traces may know: its path can be secret as well. */
export function serverAttributes(text: string): Record<string, string | number> {
  const url = parseHttpUrl(text);
  if (!url) return {};
  const scheme = url.protocol.slice(0, -1);
  return { 'url.scheme': scheme, 'server.address': url.hostname, 'server.port': portOf(url) };
}

const scalar = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** A body's fields as query parameters: `variables` become `variable_NAME`, other nested values JSON, null is left out. */
export function queryParameters(body: Readonly<Record<string, unknown>>): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined || value === null) continue;
    if (name === 'variables' && typeof value === 'object')
      for (const [variable, text] of Object.entries(value))
        parameters.append(`variable_${variable}`, scalar(text));
    else parameters.append(name, scalar(value));
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function authorization(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** What to write for a call, or undefined when its URL is not an http or https URL. The call's headers win. */
export function wireRequest(
  call: HttpRequest,
  userAgent: string,
  signatures = UNSIGNED,
): WireRequest | undefined {
  const url = parseHttpUrl(call.url);
  if (!url) return undefined;
  const body = call.method === 'POST' ? jsonText(call.body) : null;
  const fields = body === null ? queryParameters(call.body).toString() : '';
  const query = [url.search.slice(1), fields].filter((part) => part !== '').join('&');
  return {
    origin: url.origin,
    where: `${url.hostname}:${portOf(url)}`,
    method: call.method,
    path: query === '' ? url.pathname : `${url.pathname}?${query}`,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': userAgent,
      ...(body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...authorization(url),
      ...lowerCased(call.headers),
      // Exactly what goes over the wire is signed.
      ...(call.webhook ? signatures.headers(url.origin, call.webhook, body ?? query) : {}),
    },
    body,
  };
}
