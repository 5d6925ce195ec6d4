import { type Context, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Work } from '#libs/bus/decisions.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow } from '#libs/bus/timeline-step.ts';
import { requestId } from '#libs/contract/endpoint.ts';
import { type DecisionReply, type DecisionRequest, failed } from '#libs/contract/messages.ts';
import type { VariablePolicy } from '#libs/contract/refused-variables.ts';
import type { EndpointStatus } from '#libs/contract/status.ts';
import { replyOf } from '#libs/dialplan/answer.ts';
import type { EndpointClient, HttpAnswer } from '#libs/http/client.ts';
import { emitPhases, phasesInMs } from '#libs/http/phases.ts';
import { serverAttributes } from '#libs/http/wire-request.ts';
import { originOf, publicUrl } from '#libs/net/url.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { emitSpan, inSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import { type BreakerOptions, Breakers, isFault } from './breakers.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { type CachedDecision, DecisionCache, type DecisionCacheOptions, NO_CACHE } from './decision-cache.ts';
import { EndpointFigures } from './endpoint-figures.ts';
import { countCacheUse, observeDecisions } from './metrics.ts';
import { factsOf, type RequestFacts } from './request-facts.ts';

export interface DecisionServiceOptions {
  readonly method: 'POST' | 'GET';
  readonly maxCallsInFlight: number;
  /** Which channel variables an endpoint may set. */
  readonly variablePolicy?: VariablePolicy;
  readonly breaker: BreakerOptions;
  /** Which decisions may be used again. Default: none. */
  readonly cache?: DecisionCacheOptions;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export interface Decided {
  readonly reply: DecisionReply;
  readonly facts: RequestFacts;
}

/** The reply for the agent, and the endpoint and HTTP answer it came from; without them no request was made. */
interface Outcome {
  readonly reply: DecisionReply;
  readonly url?: string;
  readonly answer?: HttpAnswer;
  readonly cached?: CachedDecision;
}

/** With less time left than this, in milliseconds, the fallback is not requested. */
const MIN_FALLBACK_MS = 20;
const TOO_MANY_REQUESTS = 429;

const EXPIRED = failed('router_timeout', 'the agent had stopped waiting before the router read the request');

const CIRCUIT_OPEN = failed(
  'circuit_open',
  'the endpoint keeps failing; requests to it are refused for a while (BREAKER_OPEN_MS)',
);

function withoutFallback(first: Outcome, why: string): Outcome {
  if (first.reply.result === 'decided') return first;
  return { ...first, reply: failed(first.reply.result, `${first.reply.error}; ${why}`) };
}

const errorOf = (reply: DecisionReply): string | undefined =>
  reply.result === 'decided' ? undefined : reply.error;

const resultOf = (reply: DecisionReply) =>
  reply.result === 'decided' ? { result: reply.result } : { result: reply.result, error: reply.error };

/** Whether the endpoint has failed: a cached decision may then be used when it is stale, and stays in the cache. */
const hasFailed = (answer: HttpAnswer | undefined): boolean =>
  answer === undefined || isFault(answer) || (answer.ok && answer.status === TOO_MANY_REQUESTS);

function setSpanResult(span: Span, reply: DecisionReply): void {
  span.setAttribute('dialhook.result', reply.result);
  if (reply.result !== 'decided') span.setStatus({ code: SpanStatusCode.ERROR, message: reply.result });
}

/** Requests decisions from endpoints: overload protection, circuit breaker, fallback, trace and timeline. */
export class DecisionService {
  readonly #client: EndpointClient;
  readonly #options: DecisionServiceOptions;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timeline: TimelineRecorder;
  readonly #inFlight: CallsInFlight;
  readonly #breakers: Breakers;
  readonly #cache: DecisionCache;
  readonly #figures = new EndpointFigures();
  #expired = 0;

  constructor(
    client: EndpointClient,
    options: DecisionServiceOptions,
    log: Log,
    timeline: TimelineRecorder = NO_TIMELINE,
  ) {
    this.#timeline = timeline;
    this.#client = client;
    this.#options = options;
    this.#log = log;
    this.#now = options.now ?? Date.now;
    this.#inFlight = new CallsInFlight(options.maxCallsInFlight);
    this.#breakers = new Breakers(options.breaker);
    this.#cache = new DecisionCache(options.cache ?? NO_CACHE);
    observeDecisions(this.#breakers, this.#cache);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Requests that were dropped because their agent had stopped waiting. */
  get expired(): number {
    return this.#expired;
  }

  /** The state of the busiest endpoints. */
  endpoints(): EndpointStatus[] {
    return this.#figures.status((origin) => this.#breakers.state(origin));
  }

  /** For a router: decides, and writes the log line. @throws only on a bug. */
  async decide(request: DecisionRequest, parent: Context, work: Work): Promise<DecisionReply> {
    const { uuid, node } = request.request;
    const started = performance.now();
    const { reply, facts } = await this.request(request, parent, work, SpanKind.SERVER);
    const ms = Math.round(performance.now() - started);
    const line = { ...aboutCall(uuid, node), result: reply.result, error: errorOf(reply), ms, ...facts };
    if (reply.result === 'decided') this.#log.info('call.decided', line);
    else this.#log.warn('call.not_decided', line);
    return reply;
  }

  /** Every failure of the endpoint is a reply. @throws only on a bug. */
  request(
    request: DecisionRequest,
    parent: Context,
    work: Work,
    kind: SpanKind.SERVER | SpanKind.INTERNAL,
  ): Promise<Decided> {
    const { uuid, node } = request.request;
    const attributes = { 'dialhook.call': uuid, 'dialhook.node': node };
    return inSpan('route', { parent, kind, attributes }, async (span, context) => {
      const { reply, answer, url = request.url, cached } = await this.#admit(request, context, work);
      setSpanResult(span, reply);
      if (cached) span.setAttribute('dialhook.cache', cached.outcome);
      return { reply, facts: factsOf(url, answer, cached) };
    });
  }

  async #admit(request: DecisionRequest, context: Context, { signal, accept }: Work): Promise<Outcome> {
    const { uuid, node } = request.request;
    if (this.#inFlight.full)
      return {
        reply: failed(
          'overloaded',
          `the router already has ${this.#inFlight.size} requests in flight (MAX_CALLS_IN_FLIGHT)`,
        ),
      };
    return this.#inFlight.run(async () => {
      await accept();
      if (!signal.aborted) return this.#requestWithFallback(request, context, signal);
      this.#log.warn('request.expired', { ...aboutCall(uuid, node), dropped: ++this.#expired });
      return { reply: EXPIRED };
    });
  }

  /**
   * Requests the endpoint, or uses its cached decision. Without a decision it requests the fallback, in the time left of
   * both timeouts.
   */
  async #requestWithFallback(
    request: DecisionRequest,
    context: Context,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { url, fallback_url, connect_timeout_ms, response_timeout_ms } = request;
    const started = performance.now();
    const first = await this.#requestFirst(request, context, signal);
    if (first.reply.result === 'decided' || fallback_url === undefined || signal.aborted) return first;
    const leftMs = Math.floor(connect_timeout_ms + response_timeout_ms - (performance.now() - started));
    if (leftMs < MIN_FALLBACK_MS) return withoutFallback(first, 'no time was left for the fallback');
    const deadline = AbortSignal.timeout(leftMs);
    const { result, error } = first.reply;
    const previous = { url: publicUrl(url), result, error };
    const again = { ...request, request: { ...request.request, previous } };
    const second = await this.#request(fallback_url, again, context, AbortSignal.any([signal, deadline]));
    if (second.reply.result === 'decided' || signal.aborted) return second;
    const why = deadline.aborted ? 'no answer in the time that was left' : second.reply.error;
    return withoutFallback(first, `fallback: ${why}`);
  }

  /** Requests the endpoint unless its cached decision is fresh. When it fails, its stale decision is used. */
  async #requestFirst(request: DecisionRequest, context: Context, signal: AbortSignal): Promise<Outcome> {
    const fresh = this.#cache.find(request);
    if (fresh?.outcome === 'hit') return this.#fromCache(request, fresh);
    const first = await this.#request(request.url, request, context, signal);
    const stale = hasFailed(first.answer) ? this.#cache.find(request) : undefined;
    if (stale) return this.#fromCache(request, stale);
    if (this.#cache.covers(request)) countCacheUse('miss', request.url);
    return first;
  }

  #fromCache({ url, request }: DecisionRequest, cached: CachedDecision): Outcome {
    countCacheUse(cached.outcome, url);
    this.#timeline.add({
      step: 'requested',
      ...happensNow(request),
      endpoint: publicUrl(url),
      fallback: false,
      result: 'decided',
      cache: { outcome: cached.outcome, age_ms: cached.ageMs },
      ms: 0,
      phases: {},
    });
    return { reply: { v: 1, result: 'decided', plan: cached.plan }, url, cached };
  }

  #request(url: string, request: DecisionRequest, parent: Context, signal: AbortSignal): Promise<Outcome> {
    const { method, variablePolicy } = this.#options;
    const attributes = { 'http.request.method': method, ...serverAttributes(url) };
    return inSpan(method, { parent, kind: SpanKind.CLIENT, attributes }, async (span, context) => {
      const started = performance.now();
      const sent = this.#cache.now;
      const answer = await this.#breakers.run(url, () =>
        this.#client.request({
          url,
          method,
          body: request.request,
          headers: traceHeaders(context),
          webhook: { id: requestId(request.request), time: this.#now() },
          connectTimeoutMs: request.connect_timeout_ms,
          responseTimeoutMs: request.response_timeout_ms,
          signal,
        }),
      );
      const answered = performance.now();
      const reply =
        answer === undefined
          ? CIRCUIT_OPEN
          : replyOf(answer, variablePolicy, (one) => this.#client.urlRefusal(one));
      const phases = answer?.timing.phases ?? [];
      emitPhases(phases, context);
      if (answer?.ok) {
        const error = reply.result === 'decided' ? undefined : reply.result;
        emitSpan({ name: 'parse', start: answered, end: performance.now(), error }, context);
        span.setAttribute('http.response.status_code', answer.status);
      }
      setSpanResult(span, reply);
      const ms = Math.round(performance.now() - started);
      const notCached = this.#store(request, answer, reply, sent);
      const origin = answer && originOf(url);
      if (origin) this.#figures.add(origin, reply, ms, request.request.uuid, this.#now());
      this.#timeline.add({
        step: 'requested',
        ...happensNow(request.request),
        endpoint: publicUrl(url),
        fallback: url !== request.url,
        ...resultOf(reply),
        ...(answer?.ok ? { status: answer.status, answer: answer.body } : {}),
        ...(notCached === undefined ? {} : { not_cached: notCached }),
        ms,
        phases: phasesInMs(phases),
      });
      return { reply, url, ...(answer === undefined ? {} : { answer }) };
    });
  }

  /** Updates the cache from an answer. A failure of the endpoint leaves it as it is. */
  #store(
    request: DecisionRequest,
    answer: HttpAnswer | undefined,
    reply: DecisionReply,
    sent: number,
  ): string | undefined {
    if (!answer?.ok || hasFailed(answer)) return undefined;
    const plan = reply.result === 'decided' ? reply.plan : undefined;
    return this.#cache.store(request, answer.headers, plan, sent);
  }
}
