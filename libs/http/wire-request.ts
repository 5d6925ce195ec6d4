import { parseHttpUrl, percentDecoded, portOf } from '#libs/net/url.ts';
import { Signatures } from './signatures.ts';
import type { HttpRequest } from './types.ts';

/** A request as it is written to the connection. */
export interface WireRequest {
  /** `scheme://host:port`. Requests of one origin share connections. */
  readonly origin: string;
  /** Host and port, for error texts. */
  readonly where: string;
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

const UNSIGNED = new Signatures({});

/** Span attributes of an endpoint. Its path is left out, because it may be secret. */
export function serverAttributes(text: string): Record<string, string | number> {
  const url = parseHttpUrl(text);
  if (!url) return {};
  const scheme = url.protocol.slice(0, -1);
  return { 'url.scheme': scheme, 'server.address': url.hostname, 'server.port': portOf(url) };
}

const scalar = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** The fields of a body as query parameters: `variables` as `variable_NAME`, `data` and other nested values as JSON, null left out. */
export function queryParameters(body: Readonly<Record<string, unknown>>): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined || value === null) continue;
    if (name === 'variables' && typeof value === 'object')
      for (const [variable, text] of Object.entries(value))
        parameters.append(`variable_${variable}`, scalar(text));
    else parameters.append(name, name === 'data' ? JSON.stringify(value) : scalar(value));
  }
  return parameters;
}

function authorization(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const credentials = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Returns undefined when the URL is not an http or https URL. Headers of the request replace default ones. */
export function wireRequest(
  request: HttpRequest,
  userAgent: string,
  signatures = UNSIGNED,
): WireRequest | undefined {
  const url = parseHttpUrl(request.url);
  if (!url) return undefined;
  const body = request.method === 'POST' ? JSON.stringify(request.body) : null;
  const fields = body === null ? queryParameters(request.body).toString() : '';
  const query = [url.search.slice(1), fields].filter((part) => part !== '').join('&');
  return {
    origin: url.origin,
    where: `${url.hostname}:${portOf(url)}`,
    method: request.method,
    path: query === '' ? url.pathname : `${url.pathname}?${query}`,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': userAgent,
      ...(body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...authorization(url),
      ...lowerCased(request.headers),
      // The signature covers the exact bytes that are sent.
      ...(request.webhook ? signatures.headers(url.origin, request.webhook, body ?? query) : {}),
    },
    body,
  };
}
