/**
 * The phases of one HTTP request to an endpoint, in order:
 *
 * - `queue`: waiting for a free connection to the origin;
 * - `dns`: looking up the host name;
 * - `connect`: the TCP handshake;
 * - `tls`: the TLS handshake;
 * - `ttfb`: from the written request to the first byte of the answer;
 * - `body`: from the first byte of the answer to the last.
 *
 * Error texts, spans, metrics, the timeline, the CLI and the console use these six names. A phase that does not happen,
 * such as `connect` on a kept-alive connection, is left out.
 */
export const PHASES = ['queue', 'dns', 'connect', 'tls', 'ttfb', 'body'] as const;
export type Phase = (typeof PHASES)[number];
