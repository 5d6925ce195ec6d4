import { createSecureContext } from 'node:tls';
import type { Phase } from '#libs/contract/phases.ts';
import { originOf } from '#libs/net/url.ts';
import { AddressFilter, type AddressRules } from './address-rules.ts';
import { type Lookup, sharedLookup, systemLookup } from './connect.ts';
import { Deadlines } from './deadlines.ts';
import { failureOf, HttpError, isLostConnection, timedOut } from './failure.ts';
import { measured } from './metrics.ts';
import { PhaseClock } from './phases.ts';
import { ConnectionPool } from './pool.ts';
import { Signatures, type SigningSecrets } from './signatures.ts';
import { TlsSessions } from './tls-sessions.ts';
import type { Failed, HttpAnswer, HttpRequest, Timing } from './types.ts';
import { type WireRequest, wireRequest } from './wire-request.ts';

export type { HttpAnswer, HttpRequest } from './types.ts';

export interface EndpointClientOptions extends AddressRules {
  /** Largest body of an answer, in bytes. */
  readonly maxBodyBytes: number;
  /** How long an idle connection is kept, in milliseconds; less when the server announces less. */
  readonly keepAliveMs: number;
  /** Connections to one origin; further calls wait for one, within their connect timeout. */
  readonly maxConnectionsPerOrigin: number;
  /** Idle connections to all origins together; 1024 without it. */
  readonly maxIdleConnections?: number;
  readonly userAgent: string;
  readonly tls?: EndpointTls;
  readonly signingSecrets?: SigningSecrets;
  /** How names become addresses; as this machine does it without one. */
  readonly lookup?: Lookup;
}

/** All in PEM. */
export interface EndpointTls {
  /** The authorities to trust, instead of Node's own. */
  readonly ca?: string;
  /** What to show to endpoints that ask for a client certificate. */
  readonly cert?: string;
  readonly key?: string;
}

const MAX_IDLE_CONNECTIONS = 1024;
const UTF8 = new TextDecoder();
const OVER = new HttpError('caller_gone', 'the call is over');
const NOTHING_DONE: Timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
const GONE: Failed = { result: 'caller_gone', error: 'nobody waits for the answer any more' };

/** What is known about a call on its way. */
interface Progress {
  phase: Phase;
  reused: boolean;
  readonly phases: PhaseClock;
}

/** Whether the server had closed the kept connection before the request reached it: nothing of an answer came. */
const closedWhileIdle = (error: unknown, { reused, phase }: Progress): boolean =>
  reused && phase !== 'body' && isLostConnection(error);

/**
 * Calls endpoints over HTTP/1.1 on kept-alive connections. Both timeouts of a call are kept whatever the endpoint does,
 * and nothing of an ended call is left behind: its socket is closed, and a request not yet written is never sent.
 */
export class EndpointClient {
  readonly #options: EndpointClientOptions;
  readonly #pool: ConnectionPool;
  readonly #signatures: Signatures;
  readonly #inFlight = new Set<Promise<HttpAnswer>>();
  #closed = false;

  /** @throws when a rule, a secret or a certificate is none. */
  constructor(options: EndpointClientOptions) {
    this.#options = options;
    this.#signatures = new Signatures(options.signingSecrets ?? {});
    this.#pool = new ConnectionPool({
      keepAliveMs: options.keepAliveMs,
      maxConnectionsPerOrigin: options.maxConnectionsPerOrigin,
      maxIdleConnections: options.maxIdleConnections ?? MAX_IDLE_CONNECTIONS,
      tls: createSecureContext({ ...options.tls }),
      sessions: new TlsSessions(),
      rules: new AddressFilter(options),
      lookup: options.lookup ? sharedLookup(options.lookup) : systemLookup,
    });
  }

  /** How many origins and idle connections are remembered. */
  get size(): { readonly origins: number; readonly idle: number } {
    return this.#pool.size;
  }

  /** Never rejects: every way of failing is an answer with `ok: false`. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const answer = measured(request, this.#request(request)).finally(() => this.#inFlight.delete(answer));
    this.#inFlight.add(answer);
    return answer;
  }

  /** Opens a connection before the first call needs one, and keeps it as any other. @throws what stands against it. */
  async warm(url: string, connectTimeoutMs: number): Promise<void> {
    const over = AbortSignal.timeout(connectTimeoutMs);
    const connection = await this.#pool.acquire(originOf(url), true, over, () => {});
    // The server may close it before the first call: that one is made once more then, as over any kept connection.
    connection.used = true;
    this.#pool.release(connection);
  }

  /** Waits for the calls in hand, then closes every connection. Calls made after it fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#inFlight);
    this.#pool.closeIdle();
  }

  async #request(given: HttpRequest): Promise<HttpAnswer> {
    const { connectTimeoutMs, responseTimeoutMs, signal } = given;
    const request = wireRequest(given, this.#options.userAgent, this.#signatures);
    const refusal = this.#refusal(request, signal);
    if (!request || refusal) return { ok: false, ...(refusal as Failed), timing: NOTHING_DONE };

    const progress: Progress = { phase: 'queue', reused: false, phases: new PhaseClock() };
    const over = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<Failed>();
    const end = (failed: Failed) => {
      resolve(failed);
      over.abort(OVER);
    };
    const limitMs = { connect: connectTimeoutMs, response: responseTimeoutMs };
    const deadlines = new Deadlines(limitMs, (phase) =>
      end(timedOut(phase, limitMs[phase], progress.phase, request.where)),
    );
    const gone = () => end(GONE);
    signal?.addEventListener('abort', gone, { once: true });
    const outcome = await Promise.race([this.#exchange(request, deadlines, progress, over.signal), ended]);
    const spentMs = deadlines.stop();
    signal?.removeEventListener('abort', gone);
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
    return signal?.aborted ? GONE : undefined;
  }

  async #exchange(request: WireRequest, deadlines: Deadlines, progress: Progress, over: AbortSignal) {
    const at = (phase: Phase) => {
      if (over.aborted) return;
      progress.phase = phase;
      progress.phases.enter(phase);
      if (phase === 'ttfb') deadlines.enter('response');
    };
    const attempt = (fresh: boolean) => this.#attempt(request, fresh, progress, over, at);
    try {
      return await attempt(false).catch((error: unknown) => {
        if (over.aborted || !closedWhileIdle(error, progress)) throw error;
        deadlines.enter('connect');
        return attempt(true);
      });
    } catch (error) {
      return failureOf(error, progress.phase, request.where);
    }
  }

  async #attempt(
    request: WireRequest,
    fresh: boolean,
    progress: Progress,
    over: AbortSignal,
    at: (phase: Phase) => void,
  ) {
    const connection = await this.#pool.acquire(request.origin, fresh, over, at);
    progress.reused = connection.used;
    try {
      if (over.aborted) throw OVER;
      const answer = await connection.send(request, this.#options.maxBodyBytes, over, at);
      return { ...answer, body: UTF8.decode(answer.body) };
    } finally {
      this.#pool.release(connection);
    }
  }
}
