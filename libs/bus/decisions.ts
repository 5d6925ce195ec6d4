import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { type Context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { Abandon, BUS, DecisionReply, DecisionRequest, failed } from '#libs/contract/messages.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { inSpan } from '#libs/telemetry/tracing.ts';
import type { Bus } from './connection.ts';
import { readMessage, traceFromHeaders, traceToHeaders } from './message.ts';

const hasNoResponders = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());

/**
 * Requests a decision from the routers. Never rejects: the reply is `no_router`, `router_timeout`, or `internal_error` when
 * the reply is invalid.
 */
export const requestDecision = (
  bus: Bus,
  request: DecisionRequest,
  timeoutMs: number,
  parent: Context,
): Promise<DecisionReply> =>
  inSpan('request decision', { parent, kind: SpanKind.CLIENT }, async (span, context) => {
    const reply = await send(bus, request, timeoutMs, context);
    if (reply.result !== 'decided') span.setStatus({ code: SpanStatusCode.ERROR, message: reply.result });
    return reply;
  });

async function send(
  bus: Bus,
  request: DecisionRequest,
  timeoutMs: number,
  spanContext: Context,
): Promise<DecisionReply> {
  if (!bus.connected) return failed('no_router', 'the agent has lost its connection to NATS');
  try {
    const reply = await bus.nats.request(BUS.decide, JSON.stringify(request), {
      timeout: timeoutMs,
      headers: traceToHeaders(spanContext),
    });
    return readMessage(DecisionReply, BUS.decide, reply.data);
  } catch (error) {
    if (hasNoResponders(error)) return failed('no_router', 'no router is running');
    if (error instanceof TimeoutError)
      return failed('router_timeout', `no router answered within ${timeoutMs} ms`);
    if (!bus.connected) return failed('no_router', 'the agent has lost its connection to NATS');
    return failed('internal_error', (error as Error).message);
  }
}

/** Notifies every router that the agent has stopped waiting for this call's decision. */
export function abandon(bus: Bus, uuid: string): void {
  const message: Abandon = { v: 1, uuid };
  if (bus.connected) bus.nats.publish(BUS.abandon, JSON.stringify(message));
}

/**
 * Serves decision requests in the routers' queue group. The returned function stops serving and resolves when all requests
 * in flight are answered.
 */
export function serveDecisions(
  bus: Bus,
  log: Log,
  decide: (request: DecisionRequest, parent: Context) => Promise<DecisionReply>,
): () => Promise<void> {
  const inFlight = new Set<Promise<void>>();
  const subscription = bus.nats.subscribe(BUS.decide, {
    queue: BUS.routers,
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      const work = (async () => {
        const request = readMessage(DecisionRequest, BUS.decide, message.data);
        return decide(
          request,
          traceFromHeaders(message.headers, () => callContext(request.request.uuid)),
        );
      })()
        .catch((fault: Error) => {
          log.error('request.failed', { err: fault });
          return failed('internal_error', fault.message);
        })
        .then((reply) => {
          if (!bus.nats.isClosed()) message.respond(JSON.stringify(reply));
        })
        .finally(() => inFlight.delete(work));
      inFlight.add(work);
    },
  });
  return async () => {
    await subscription.drain().catch(() => {});
    await Promise.all(inFlight);
  };
}

/** Calls `abandoned` with the uuid of each call that an agent has stopped waiting for. */
export function onAbandon(bus: Bus, log: Log, abandoned: (uuid: string) => void): void {
  bus.nats.subscribe(BUS.abandon, {
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      try {
        abandoned(readMessage(Abandon, BUS.abandon, message.data).uuid);
      } catch (fault) {
        log.warn('nats.message_ignored', { err: fault });
      }
    },
  });
}
