import type { Phase } from '#libs/contract/phases.ts';
import type { WebhookIdentity } from './signatures.ts';

/** One HTTP request to an endpoint. */
export interface HttpRequest {
  /** http or https. Its userinfo becomes Basic authorization. */
  readonly url: string;
  readonly method: 'POST' | 'GET';
  /** POST: sent as JSON, see `jsonText`. GET: becomes query parameters behind those of the URL. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as `webhook-id` and `webhook-timestamp`, and signed when the client has a secret for the endpoint. */
  readonly webhook?: WebhookIdentity;
  /** Milliseconds for all that comes before the request is written: a free connection, DNS, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** Milliseconds from the written request to the last byte of the answer. */
  readonly responseTimeoutMs: number;
  /** Ends the call with `caller_gone`. A request not yet written is then never sent. */
  readonly signal?: AbortSignal;
}

/** One phase that happened. Times are those of performance.now(). */
export interface PhaseTiming {
  readonly name: Phase;
  readonly start: number;
  readonly end: number;
}

/** Milliseconds spent in each of the two phases; `responseMs` is 0 when the request was never written. */
export interface Timing {
  readonly connectMs: number;
  readonly responseMs: number;
  /** Whether the request went over a connection that had served another one before. */
  readonly reused: boolean;
  /** In their order; some come twice when the request had to be made again. */
  readonly phases: readonly PhaseTiming[];
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type HttpFailure =
  | 'connect_timeout'
  | 'response_timeout'
  | 'connection_failed'
  | 'tls_failed'
  | 'body_too_large'
  | 'refused_url'
  | 'caller_gone';

export interface Failed {
  readonly result: HttpFailure;
  /** For an operator: names the host and nothing secret, and repeats nothing that the endpoint sent. */
  readonly error: string;
}

/** `ok` means that a whole answer came, whatever its status; redirects are answers and are not followed. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      /** Names in lower case. */
      readonly headers: ResponseHeaders;
      /** Decoded as UTF-8. Cut at `maxBodyBytes` when the status is not 2xx. */
      readonly body: string;
      readonly timing: Timing;
    }
  | ({ readonly ok: false; readonly timing: Timing } & Failed);
