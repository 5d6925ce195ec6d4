import type { Phase } from '#libs/contract/phases.ts';
import type { WebhookIdentity } from './signatures.ts';

/** One HTTP request to an endpoint. */
export interface HttpRequest {
  /** An http or https URL. Its userinfo is sent as Basic authorization. */
  readonly url: string;
  readonly method: 'POST' | 'GET';
  /** With POST sent as JSON, with GET as query parameters after those of the URL. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Only the status of a 2xx answer is used: its body may be too large or not be text. */
  readonly ignoreBody?: boolean;
  /** Sent as `webhook-id` and `webhook-timestamp`, and signed when the client has a secret for the origin. */
  readonly webhook?: WebhookIdentity;
  /** Milliseconds until the request is written: the phases `queue`, `dns`, `connect` and `tls` together. */
  readonly connectTimeoutMs: number;
  /** Milliseconds from the written request to the last byte of the answer: `ttfb` and `body` together. */
  readonly responseTimeoutMs: number;
  /** Ends the request with `caller_gone`. A request that is not written yet is then never sent. */
  readonly signal?: AbortSignal;
}

/** One phase that happened. Times are those of performance.now(). */
export interface PhaseTiming {
  readonly name: Phase;
  readonly start: number;
  readonly end: number;
}

/** Milliseconds before and after the request was written; `responseMs` is 0 when it never was. */
export interface Timing {
  readonly connectMs: number;
  readonly responseMs: number;
  /** Whether the request used a kept-alive connection. */
  readonly reused: boolean;
  /** In the order in which they happened. A phase occurs twice when the request was repeated on a new connection. */
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
  /** For operators. Names the host; contains no secret and nothing that the endpoint sent. */
  readonly error: string;
}

/** `ok` means that a complete answer arrived, whatever its status. Redirects are not followed. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      /** Header names are in lower case. */
      readonly headers: ResponseHeaders;
      /**
       * Decompressed and decoded. For display only, and cut to `maxBodyBytes`, when the status is not 2xx or the body is
       * ignored.
       */
      readonly body: string;
      /** Why the body of a 2xx answer could not be decompressed or decoded; `body` is empty then. */
      readonly bodyError?: string;
      readonly timing: Timing;
    }
  | ({ readonly ok: false; readonly timing: Timing } & Failed);
