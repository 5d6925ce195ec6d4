import { type Context, SpanKind } from '@opentelemetry/api';
import type { TimelineRecorder } from '#libs/bus/timeline.ts';
import { type DecisionReply, type DecisionRequest, failed } from '#libs/contract/messages.ts';
import type { DecisionService } from '#libs/decision/decision-service.ts';
import { openDecisions } from '#libs/decision/open-decisions.ts';
import type { RequestFacts } from '#libs/decision/request-facts.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { AgentConfig } from './config.ts';
import type { DecisionSource } from './decision-source.ts';

const accept = async () => {};

/**
 * The router in the agent's process (EMBEDDED_ROUTER). A plan is used as the endpoint's answer was resolved into it: one
 * that crosses NATS is validated again, and such a plan always passes (`test/fuzz/properties/decisions.ts`).
 */
export class EmbeddedRouter implements DecisionSource {
  readonly #service: Pick<DecisionService, 'request'>;
  readonly #log: Log;
  /** Of requests in flight, with the uuid of their call. */
  readonly #inFlight = new Map<AbortController, string>();

  constructor(service: Pick<DecisionService, 'request'>, log: Log) {
    this.#service = service;
    this.#log = log;
  }

  async request(
    request: DecisionRequest,
    timeoutMs: number,
    parent: Context,
    onFacts: (facts: RequestFacts) => void,
  ): Promise<DecisionReply> {
    const controller = new AbortController();
    this.#inFlight.set(controller, request.request.uuid);
    const decided = this.#decide(request, parent, controller.signal, onFacts).finally(() =>
      this.#inFlight.delete(controller),
    );
    const late = Promise.withResolvers<DecisionReply>();
    const timer = setTimeout(() => late.resolve(timedOut(timeoutMs)), timeoutMs);
    const reply = await Promise.race([decided, late.promise]);
    clearTimeout(timer);
    return reply;
  }

  /** Ends the HTTP request. */
  abandon(uuid: string): void {
    for (const [controller, call] of this.#inFlight) if (call === uuid) controller.abort();
  }

  /** A bug ends this request alone. */
  async #decide(
    request: DecisionRequest,
    parent: Context,
    signal: AbortSignal,
    onFacts: (facts: RequestFacts) => void,
  ): Promise<DecisionReply> {
    try {
      const { reply, facts } = await this.#service.request(
        request,
        parent,
        { signal, accept },
        SpanKind.INTERNAL,
      );
      onFacts(facts);
      return reply;
    } catch (error) {
      const { uuid, node } = request.request;
      this.#log.error('request.failed', { ...aboutCall(uuid, node), err: error });
      return failed('internal_error', (error as Error).message);
    }
  }
}

const timedOut = (timeoutMs: number): DecisionReply =>
  failed('router_timeout', `the embedded router has not replied within ${timeoutMs} ms`);

/** The router of an agent with EMBEDDED_ROUTER, and the service behind it. */
export function openEmbeddedRouter(
  { router }: AgentConfig,
  timeline: TimelineRecorder,
  lifecycle: Lifecycle,
  log: Log,
): { readonly decisions: EmbeddedRouter; readonly service: DecisionService } | undefined {
  if (router === undefined) return undefined;
  const service = openDecisions(router, 'agent', timeline, lifecycle, log);
  return { decisions: new EmbeddedRouter(service, log), service };
}
