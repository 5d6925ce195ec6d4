import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { EndpointClient } from '#libs/http/client.ts';
import { emitPhases } from '#libs/http/phases.ts';
import { type Verdict, verdictOf } from '#libs/http/verdict.ts';
import { serverAttributes } from '#libs/http/wire-request.ts';
import type { QueueEntry } from '#libs/queue/entry.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { contextFromHeaders, inSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import type { Clock } from './clock.ts';

export interface AttemptOptions {
  readonly method: 'POST' | 'GET';
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
}

export interface Attempt {
  readonly verdict: Verdict;
  /** Time from the start to the answer or the failure, ms. */
  readonly tookMs: number;
}

function describe(span: Span, verdict: Verdict): void {
  const failed = verdict.kind === 'failed';
  if (verdict.status !== undefined) span.setAttribute('http.response.status_code', verdict.status);
  span.setAttribute('dialhook.result', failed ? verdict.result : verdict.kind);
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR, message: verdict.result });
}

/** Sends notifications to their endpoints. */
export class Attempts {
  readonly #client: EndpointClient;
  readonly #options: AttemptOptions;
  readonly #clock: Clock;

  constructor(client: EndpointClient, options: AttemptOptions, clock: Clock) {
    this.#client = client;
    this.#options = options;
    this.#clock = clock;
  }

  /** Makes attempt `number`, counted from 1. Failures of the endpoint are returned as a verdict, not thrown. */
  make(entry: QueueEntry, number: number): Promise<Attempt> {
    const { url, notification } = entry.progress;
    const parent = contextFromHeaders(
      (name) => entry.trace[name],
      () => callContext(notification.uuid),
    );
    const { method, ...timeouts } = this.#options;
    const attributes = {
      'http.request.method': method,
      'http.request.resend_count': number - 1,
      'dialhook.attempt': number,
      'dialhook.notification': entry.id,
      ...serverAttributes(url),
    };
    return inSpan(method, { parent, kind: SpanKind.CLIENT, attributes }, async (span, context) => {
      const answer = await this.#client.request({
        url,
        method,
        body: notification,
        ignoreBody: true,
        headers: traceHeaders(context),
        webhook: { id: entry.id, time: this.#clock.now() },
        ...timeouts,
      });
      const verdict = verdictOf(answer, this.#clock.now());
      emitPhases(answer.timing.phases, context);
      describe(span, verdict);
      return { verdict, tookMs: answer.timing.connectMs + answer.timing.responseMs };
    });
  }
}
