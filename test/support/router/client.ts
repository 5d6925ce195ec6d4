import { EndpointClient, type EndpointClientOptions } from '#libs/http/client.ts';
import type { HttpRequest } from '#libs/http/types.ts';

export const PATIENT_MS = 20_000;
export const SHORT_MS = 150;

export function client(options: Partial<EndpointClientOptions> = {}): AsyncDisposable & EndpointClient {
  const made = new EndpointClient({
    maxBodyBytes: 64 * 1024,
    keepAliveMs: PATIENT_MS,
    maxConnectionsPerOrigin: 100,
    userAgent: 'dialhook-test',
    ...options,
  });
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.close() });
}

/** A call that waits long for everything, unless told otherwise. */
export const httpRequest = (url: string, given: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: 'POST',
  body: { action: 'request' },
  headers: {},
  connectTimeoutMs: PATIENT_MS,
  responseTimeoutMs: PATIENT_MS,
  ...given,
});
