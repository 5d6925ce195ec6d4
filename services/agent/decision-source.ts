import type { Context } from '@opentelemetry/api';
import type { DecisionReply, DecisionRequest } from '#libs/contract/messages.ts';
import type { RequestFacts } from '#libs/decision/request-facts.ts';

/** Where an agent gets its decisions: from the routers, through NATS, or from the router in its own process. */
export interface DecisionSource {
  /**
   * Never rejects.
   * @param timeoutMs after which the reply is `router_timeout`. Call `abandon` then.
   * @param onFacts called before the reply, by a source that knows the HTTP request.
   */
  request(
    request: DecisionRequest,
    timeoutMs: number,
    parent: Context,
    onFacts: (facts: RequestFacts) => void,
  ): Promise<DecisionReply>;

  /** The decision for this call is no longer needed. */
  abandon(uuid: string): void;
}
