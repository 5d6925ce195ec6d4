import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Context, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow } from '#libs/bus/timeline-step.ts';
import { requestId } from '#libs/contract/endpoint.ts';
import { type DecisionReply, type DecisionRequest, failed } from '#libs/contract/messages.ts';
import type { VariablePolicy } from '#libs/contract/refused-variables.ts';
import type { EndpointStatus } from '#libs/contract/status.ts';
import { replyOf } from '#libs/dialplan/answer.ts';
import type { EndpointClient, HttpAnswer } from '#libs/http/client.ts';
import { emitPhases, phasesInMs } from '#libs/http/phases.ts';
import { publicUrl, serverAttributes } from '#libs/http/wire-request.ts';
import { originOf } from '#libs/net/url.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { emitSpan, inSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import { type BreakerOptions, Breakers } from './breakers.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { EndpointFigures } from './endpoint-figures.ts';
import { observeRouter } from './metrics.ts';

export interface DecisionServiceOptions {
  readonly method: 'POST' | 'GET';
  readonly maxCallsInFlight: number;
  /** Which channel variables an endpoint may set. */
  readonly variablePolicy?: VariablePolicy;
  readonly breaker: BreakerOptions;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Asked {
  readonly reply: DecisionReply;
  /** Which endpoint the reply is from. */
  readonly url?: string;
  readonly answer?: HttpAnswer;
}

/** With less than this left, a fallback is not worth asking, in milliseconds. */
const LEAST_FALLBACK_MS = 20;

const UNWANTED = failed(
  'router_timeout',
  'the request reached the router when nobody waited for it any more',
);

const RESTING = failed('circuit_open', 'the endpoint has been failing and is not asked for some seconds');

function noFallback(first: Asked, why: string): Asked {
  if (first.reply.result === 'decided') return first;
  return { ...first, reply: failed(first.reply.result, `${first.reply.error}; ${why}`) };
}

const errorOf = (reply: DecisionReply): string | undefined =>
  reply.result === 'decided' ? undefined : reply.error;

const resultOf = (reply: DecisionReply) =>
  reply.result === 'decided' ? { result: reply.result } : { result: reply.result, error: reply.error };

function markSpan(span: Span, reply: DecisionReply): void {
  span.setAttribute('dialhook.result', reply.result);
  if (reply.result !== 'decided') span.setStatus({ code: SpanStatusCode.ERROR, message: reply.result });
}

/** Asks endpoints where calls go. */
export class DecisionService {
  readonly #client: EndpointClient;
  readonly #options: DecisionServiceOptions;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timeline: TimelineRecorder;
  readonly #inFlight: CallsInFlight;
  readonly #breakers: Breakers;
  readonly #figures = new EndpointFigures();
  #dropped = 0;

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
    observeRouter(this.#inFlight, this.#breakers);
  }

  /** Every way in which an endpoint can fail is a reply. Rejects for a fault of our own only. */
  decide(request: DecisionRequest, parent: Context): Promise<DecisionReply> {
    const { uuid, node } = request.request;
    const started = performance.now();
    const attributes = { 'dialhook.call': uuid, 'dialhook.node': node };
    return inSpan('route', { parent, kind: SpanKind.SERVER, attributes }, async (span, context) => {
      const { reply, answer, url = request.url } = await this.#admit(request, context);
      markSpan(span, reply);
      const line = {
        ...aboutCall(uuid, node),
        result: reply.result,
        error: errorOf(reply),
        endpoint: serverAttributes(url)['server.address'],
        status: answer?.ok ? answer.status : undefined,
        ms: Math.round(performance.now() - started),
        connect_ms: answer?.timing.connectMs,
        response_ms: answer?.timing.responseMs,
      };
      if (reply.result === 'decided') this.#log.info('call.decided', line);
      else this.#log.warn('call.not_decided', line);
      return reply;
    });
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How the busiest endpoints have done. */
  endpoints(): EndpointStatus[] {
    return this.#figures.status((origin) => this.#breakers.state(origin));
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Nobody waits for this call's decision any more: its request is ended. */
  abandon(uuid: string): void {
    this.#inFlight.abandon(uuid);
  }

  async #admit(request: DecisionRequest, context: Context): Promise<Asked> {
    const { uuid, node } = request.request;
    if (this.#inFlight.full)
      return { reply: failed('overloaded', `the router has ${this.#inFlight.size} calls in hand already`) };
    return this.#inFlight.run(uuid, async (signal) => {
      // What had to wait here is followed by its agent's word that nobody waits for it: no clocks need to agree.
      await nextTurn();
      if (!signal.aborted) return this.#askInTurn(request, context, signal);
      this.#log.warn('request.expired', { ...aboutCall(uuid, node), dropped: ++this.#dropped });
      return { reply: UNWANTED };
    });
  }

  /** The endpoint, and when it does not decide, the fallback in the time that is left of the two timeouts. */
  async #askInTurn(request: DecisionRequest, context: Context, signal: AbortSignal): Promise<Asked> {
    const { url, fallback_url, connect_timeout_ms, response_timeout_ms } = request;
    const started = performance.now();
    const first = await this.#ask(url, request, context, signal);
    if (first.reply.result === 'decided' || fallback_url === undefined || signal.aborted) return first;
    const leftMs = Math.floor(connect_timeout_ms + response_timeout_ms - (performance.now() - started));
    if (leftMs < LEAST_FALLBACK_MS) return noFallback(first, 'no time was left for the fallback');
    const deadline = AbortSignal.timeout(leftMs);
    const second = await this.#ask(fallback_url, request, context, AbortSignal.any([signal, deadline]));
    if (second.reply.result === 'decided' || signal.aborted) return second;
    const why = deadline.aborted ? 'no answer in the time that was left' : second.reply.error;
    return noFallback(first, `fallback: ${why}`);
  }

  #ask(url: string, request: DecisionRequest, parent: Context, signal: AbortSignal): Promise<Asked> {
    const { method } = this.#options;
    const attributes = { 'http.request.method': method, ...serverAttributes(url) };
    return inSpan(method, { parent, kind: SpanKind.CLIENT, attributes }, async (span, context) => {
      const started = performance.now();
      const answer = await this.#breakers.call(url, () =>
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
      const reply = answer === undefined ? RESTING : replyOf(answer, this.#options.variablePolicy);
      emitPhases(answer?.timing.phases ?? [], context);
      const parse = { name: 'parse', start: answered, end: performance.now() };
      const error = reply.result === 'decided' ? undefined : reply.result;
      if (answer?.ok) emitSpan({ ...parse, error }, context);
      if (answer?.ok) span.setAttribute('http.response.status_code', answer.status);
      markSpan(span, reply);
      const ms = Math.round(performance.now() - started);
      const origin = answer && originOf(url);
      if (origin) this.#figures.add(origin, reply, ms, request.request.uuid, this.#now());
      this.#timeline.add({
        step: 'requested',
        ...happensNow(request.request),
        endpoint: publicUrl(url),
        fallback: url !== request.url,
        ...resultOf(reply),
        ...(answer?.ok ? { status: answer.status, answer: answer.body } : {}),
        ms,
        phases: phasesInMs(answer?.timing.phases ?? []),
      });
      return { reply, url, ...(answer === undefined ? {} : { answer }) };
    });
  }
}
