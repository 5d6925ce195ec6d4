import { createSecureContext } from 'node:tls';
import type { Phase } from '#libs/contract/phases.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { originOf } from '#libs/net/url.ts';
import { AddressFilter, type AddressRules } from './address-rules.ts';
import { bodyText, displayText } from './answer-body.ts';
import { type Lookup, sharedLookup, systemLookup } from './connect.ts';
import { type BodyLimit, isSuccess, type WireAnswer } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { failureOf, HttpError, isLostConnection, timedOut } from './failure.ts';
import { measured } from './metrics.ts';
import { PhaseClock } from './phases.ts';
import { ConnectionPool } from './pool.ts';
import { Signatures, type SigningSecrets } from './signatures.ts';
import type { Failed, HttpAnswer, HttpRequest, Timing } from './types.ts';
import { type WireRequest, wireRequest } from './wire-request.ts';

export type { HttpAnswer, HttpRequest } from './types.ts';

export interface EndpointClientOptions extends AddressRules {
  /** Largest body of a 2xx answer, in bytes, also when decompressed. A larger one ends with `body_too_large`. */
  readonly maxBodyBytes: number;
  /** Milliseconds before an idle connection is closed; less when the server announces less. */
  readonly keepAliveMs: number;
  /** Connections to one origin. Further requests queue for one within their connect timeout. */
  readonly maxConnectionsPerOrigin: number;
  /** Idle connections to all origins together. Default 1024. */
  readonly maxIdleConnections?: number;
  readonly userAgent: string;
  readonly tls?: EndpointTls;
  readonly signingSecrets?: SigningSecrets;
  /** Resolves host names. Default: the resolver of the operating system. */
  readonly lookup?: Lookup;
}

/** PEM texts. */
export interface EndpointTls {
  /** Trusted certificate authorities. Default: those of Node. */
  readonly ca?: string;
  /** Client certificate, for endpoints that request one, and its key. */
  readonly cert?: string;
  readonly key?: string;
}

const MAX_IDLE_CONNECTIONS = 1024;
const MAX_TLS_SESSIONS = 1000;
const ENDED = new HttpError('caller_gone', 'the request has ended');
const NOT_STARTED: Timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
const CALLER_GONE: Failed = { result: 'caller_gone', error: 'the caller hung up before the answer arrived' };

/** The progress of a request. */
interface Progress {
  phase: Phase;
  reused: boolean;
  readonly phases: PhaseClock;
}

/** @throws {HttpError} `body_too_large` */
function withText({ status, headers, body }: WireAnswer, { maxBytes, used }: BodyLimit) {
  if (used && isSuccess(status)) return { status, headers, ...bodyText(body, headers, maxBytes) };
  return { status, headers, body: displayText(body, headers, maxBytes) };
}

/** One request on its way. */
interface Exchange {
  readonly request: WireRequest;
  readonly limit: BodyLimit;
  readonly deadlines: Deadlines;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The server closed the kept-alive connection before the request arrived, so that repeating the request is safe. */
const closedWhileIdle = (error: unknown, { reused, phase }: Progress): boolean =>
  reused && phase !== 'body' && isLostConnection(error);

/**
 * Sends requests to endpoints over HTTP/1.1 on kept-alive connections. Both timeouts of a request hold to within a few
 * milliseconds, whatever the endpoint does. A request that ends early leaves nothing behind: its socket is closed, and
 * if it was not written yet it is never sent.
 *
 * undici speaks HTTP; connecting and pooling are ours, because undici's timers are coarse (up to 1 s late), it ignores an
 * AbortSignal while a request is queued or connecting, and it does not report the phases of a request.
 */
export class EndpointClient {
  readonly #options: EndpointClientOptions;
  readonly #pool: ConnectionPool;
  readonly #rules: AddressFilter;
  readonly #signatures: Signatures;
  readonly #inFlight = new Set<Promise<HttpAnswer>>();
  #closed = false;

  /** @throws when an address rule, a secret or a certificate is invalid. */
  constructor(options: EndpointClientOptions) {
    this.#options = options;
    this.#rules = new AddressFilter(options);
    this.#signatures = new Signatures(options.signingSecrets ?? {});
    this.#pool = new ConnectionPool({
      keepAliveMs: options.keepAliveMs,
      maxConnectionsPerOrigin: options.maxConnectionsPerOrigin,
      maxIdleConnections: options.maxIdleConnections ?? MAX_IDLE_CONNECTIONS,
      tls: createSecureContext({ ...options.tls }),
      sessions: new LruMap(MAX_TLS_SESSIONS),
      rules: this.#rules,
      lookup: options.lookup ? sharedLookup(options.lookup) : systemLookup,
    });
  }

  /** Number of origins with a connection or a request, and of idle connections. */
  get size(): { readonly origins: number; readonly idle: number } {
    return this.#pool.size;
  }

  /** Why the address rules refuse a URL before its host name is resolved; undefined when they allow it. */
  urlRefusal(url: string): string | undefined {
    return this.#rules.urlRefusal(url);
  }

  /** Never rejects: every failure is an answer with `ok: false`. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const answer = measured(request, this.#request(request)).finally(() => this.#inFlight.delete(answer));
    this.#inFlight.add(answer);
    return answer;
  }

  /** Opens a connection in advance and keeps it idle. @throws when it cannot be opened. */
  async warm(url: string, connectTimeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(connectTimeoutMs);
    const connection = await this.#pool.acquire(originOf(url), true, signal, () => {});
    // The server may close it before the first request, which is then repeated as on any kept-alive connection.
    connection.used = true;
    this.#pool.release(connection);
  }

  /** Waits for requests in flight, then closes every connection. Later requests fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#inFlight);
    this.#pool.closeIdle();
  }

  async #request(given: HttpRequest): Promise<HttpAnswer> {
    const { connectTimeoutMs, responseTimeoutMs, signal } = given;
    const request = wireRequest(given, this.#options.userAgent, this.#signatures);
    const refusal = this.#refusal(request, signal);
    if (!request || refusal) return { ok: false, ...(refusal as Failed), timing: NOT_STARTED };

    const progress: Progress = { phase: 'queue', reused: false, phases: new PhaseClock() };
    const ended = new AbortController();
    const { promise: failed, resolve } = Promise.withResolvers<Failed>();
    const end = (failure: Failed) => {
      resolve(failure);
      ended.abort(ENDED);
    };
    const limitMs = { connect: connectTimeoutMs, response: responseTimeoutMs };
    const deadlines = new Deadlines(limitMs, (phase) =>
      end(timedOut(phase, limitMs[phase], progress.phase, request.where)),
    );
    const callerGone = () => end(CALLER_GONE);
    signal?.addEventListener('abort', callerGone, { once: true });
    const limit = { maxBytes: this.#options.maxBodyBytes, used: !given.ignoreBody };
    const exchange = this.#exchange({ request, limit, deadlines, progress, signal: ended.signal });
    const outcome = await Promise.race([exchange, failed]);
    const spentMs = deadlines.stop();
    signal?.removeEventListener('abort', callerGone);
    const timing = {
      connectMs: Math.round(spentMs.connect),
      responseMs: Math.round(spentMs.response),
      reused: progress.reused,
      phases: progress.phases.end(),
    };
    return 'result' in outcome ? { ok: false, ...outcome, timing } : { ok: true, ...outcome, timing };
  }

  #refusal(request: WireRequest | undefined, signal: AbortSignal | undefined): Failed | undefined {
    if (!request) return { result: 'refused_url', error: 'the URL must start with http:// or https://' };
    if (this.#closed) return { result: 'connection_failed', error: 'this service is stopping' };
    return signal?.aborted ? CALLER_GONE : undefined;
  }

  async #exchange(exchange: Exchange) {
    const { request, deadlines, progress, signal } = exchange;
    const enter = (phase: Phase) => {
      if (signal.aborted) return;
      progress.phase = phase;
      progress.phases.enter(phase);
      if (phase === 'ttfb') deadlines.enter('response');
    };
    try {
      return await this.#attempt(exchange, false, enter).catch((error: unknown) => {
        if (signal.aborted || !closedWhileIdle(error, progress)) throw error;
        deadlines.enter('connect');
        return this.#attempt(exchange, true, enter);
      });
    } catch (error) {
      return failureOf(error, progress.phase, request.where);
    }
  }

  async #attempt(
    { request, limit, progress, signal }: Exchange,
    fresh: boolean,
    enter: (phase: Phase) => void,
  ) {
    const connection = await this.#pool.acquire(request.origin, fresh, signal, enter);
    progress.reused = connection.used;
    try {
      if (signal.aborted) throw ENDED;
      return withText(await connection.send(request, limit, signal, enter), limit);
    } finally {
      this.#pool.release(connection);
    }
  }
}
