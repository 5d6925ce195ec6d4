import { createInbox, type Msg, nuid } from '@nats-io/transport-node';
import { type Context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type Abandon, BUS, DecisionReply, type DecisionRequest, failed } from '#libs/contract/messages.ts';
import { count } from '#libs/telemetry/metrics.ts';
import { inSpan } from '#libs/telemetry/tracing.ts';
import type { Bus } from './connection.ts';
import { type Abandoned, abandonHeaders, acceptedCall, requestHeaders } from './decision-headers.ts';
import { HedgeDelay } from './hedge-delay.ts';
import { readInstruction, traceToHeaders } from './message.ts';

/** Copies sent at intervals of the hedge delay; the intervals of later ones are five times as long. */
const QUICK_COPIES = 10;
const SLOW_FACTOR = 5;
/** After so many copies without an acceptance the connection to NATS is tested. */
const SUSPICIOUS_COPIES = 3;
/** NATS reports with this status that nothing subscribes to the subject. */
const NO_RESPONDERS = 503;

const DISCONNECTED = failed('no_router', 'the agent has lost its connection to NATS');

interface Pending {
  readonly token: string;
  readonly request: DecisionRequest;
  readonly body: string;
  readonly context: Context;
  /** When each copy was sent, on the clock of `performance`. */
  readonly sent: number[];
  /** Copies that NATS could not hand to a router. */
  refused: number;
  /** The copy whose router works on the request. */
  accepted: number | undefined;
  hedge: NodeJS.Timeout | undefined;
  /** Whether another copy may be sent. */
  open: boolean;
  readonly replied: PromiseWithResolvers<DecisionReply>;
}

const timedOut = ({ accepted }: Pending, timeoutMs: number): DecisionReply =>
  failed(
    'router_timeout',
    accepted === undefined
      ? `no router accepted the request within ${timeoutMs} ms`
      : `the router has not replied within ${timeoutMs} ms`,
  );

/**
 * Requests decisions from the routers. A request that no router accepts in time is sent again (hedged), and reaches
 * another router or the same one:
 *
 *     sent ------> accepted ------> replied
 *      |  ^                          ^
 *      v  |                          |
 *     no acceptance within the       |
 *     hedge delay: another copy      |
 *      |                             |
 *      +-- no router, timeout -------+
 *
 * The router that accepts first is kept. The others learn this from a message on `dialhook.abandon`, which reaches a
 * suspended router together with the request, and then they make no HTTP request. A crash of the agent in any state
 * leaves the call to its dialplan.
 */
export class DecisionClient {
  readonly #bus: Bus;
  readonly #delay: HedgeDelay;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();

  /** @param hedgeAfterMs HEDGE_AFTER_MS; 0 sends each request once. */
  constructor(bus: Bus, hedgeAfterMs = 0) {
    this.#bus = bus;
    this.#delay = new HedgeDelay(hedgeAfterMs);
    this.#inbox = createInbox(bus.inboxPrefix);
    bus.nats.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => {
        if (!error) this.#onMessage(message);
      },
    });
    bus.onChange((connected) => {
      if (connected) this.#onReconnect();
    });
  }

  /**
   * Never rejects: the reply is `no_router`, `router_timeout`, or `internal_error` when the reply is invalid.
   * @param timeoutMs from the first copy to the reply.
   */
  request(request: DecisionRequest, timeoutMs: number, parent: Context): Promise<DecisionReply> {
    return inSpan('request decision', { parent, kind: SpanKind.CLIENT }, async (span, context) => {
      if (!this.#bus.connected) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: DISCONNECTED.result });
        return DISCONNECTED;
      }
      const pending: Pending = {
        ...{ token: nuid.next(), request, body: JSON.stringify(request), context },
        ...{ sent: [], refused: 0, accepted: undefined, hedge: undefined, open: true },
        replied: Promise.withResolvers(),
      };
      this.#pending.set(pending.token, pending);
      this.#send(pending);
      const reply = await this.#reply(pending, timeoutMs);
      this.#close(pending);
      this.#pending.delete(pending.token);
      if (pending.sent.length > 1) span.setAttribute('dialhook.copies', pending.sent.length);
      if (reply.result !== 'decided') span.setStatus({ code: SpanStatusCode.ERROR, message: reply.result });
      return reply;
    });
  }

  /** Notifies every router that the agent has stopped waiting for this call's decision. */
  abandon(uuid: string): void {
    for (const pending of this.#pending.values())
      if (pending.request.request.uuid === uuid) this.#close(pending);
    this.#publishAbandon(uuid);
  }

  async #reply(pending: Pending, timeoutMs: number): Promise<DecisionReply> {
    const late = setTimeout(() => pending.replied.resolve(timedOut(pending, timeoutMs)), timeoutMs);
    const reply = await pending.replied.promise;
    clearTimeout(late);
    return reply;
  }

  #close(pending: Pending): void {
    pending.open = false;
    clearTimeout(pending.hedge);
  }

  #send(pending: Pending): void {
    const { token, body, context, sent } = pending;
    const copy = sent.length;
    const now = performance.now();
    sent.push(now);
    try {
      this.#bus.nats.publish(BUS.decide, body, {
        reply: `${this.#inbox}.${token}.${copy}`,
        headers: requestHeaders(traceToHeaders(context), now),
      });
    } catch (error) {
      pending.replied.resolve(failed('internal_error', (error as Error).message));
      return;
    }
    const delayMs = this.#delay.ms;
    if (delayMs === undefined) return;
    const next = copy < QUICK_COPIES ? delayMs : SLOW_FACTOR * delayMs;
    pending.hedge = setTimeout(() => this.#hedge(pending), next);
  }

  #hedge(pending: Pending): void {
    if (pending.sent.length >= SUSPICIOUS_COPIES) this.#bus.leaveSilentServer();
    if (!this.#bus.connected) return;
    count('dialhook.requests.hedged', {});
    this.#send(pending);
  }

  /** Copies in flight may be lost with the connection. */
  #onReconnect(): void {
    for (const pending of this.#pending.values()) {
      if (!pending.open || this.#delay.ms === undefined) continue;
      clearTimeout(pending.hedge);
      this.#send(pending);
    }
  }

  #onMessage(message: Msg): void {
    const [token = '', copy = ''] = message.subject.split('.').slice(-2);
    const pending = this.#pending.get(token);
    const call = acceptedCall(message);
    if (call !== undefined && (!pending || (pending.accepted ?? Number(copy)) !== Number(copy)))
      this.#publishAbandon(call, { drop: message.subject });
    if (!pending) return;
    if (message.headers?.code === NO_RESPONDERS) this.#onRefused(pending);
    else if (call !== undefined) this.#onAccepted(pending, Number(copy));
    else this.#onReply(pending, Number(copy), message);
  }

  #onRefused(pending: Pending): void {
    pending.refused++;
    if (pending.accepted !== undefined || pending.refused < pending.sent.length) return;
    pending.replied.resolve(failed('no_router', 'no router is running'));
  }

  #onAccepted(pending: Pending, copy: number): void {
    this.#delay.observe(performance.now() - (pending.sent[copy] ?? 0));
    if (pending.accepted !== undefined) return;
    pending.accepted = copy;
    this.#close(pending);
    if (pending.sent.length > 1) this.#keepOnly(pending, copy);
  }

  /** A decision is used whichever router made it. A failure counts only from the router that is kept. */
  #onReply(pending: Pending, copy: number, message: Msg): void {
    const reply = this.#read(message);
    if (pending.accepted !== undefined && pending.accepted !== copy && reply.result !== 'decided') return;
    if (pending.sent.length > 1 && pending.accepted !== copy) this.#keepOnly(pending, copy);
    pending.replied.resolve(reply);
  }

  #read(message: Msg): DecisionReply {
    try {
      return readInstruction(DecisionReply, BUS.decide, message.data);
    } catch (error) {
      return failed('internal_error', (error as Error).message);
    }
  }

  #keepOnly({ token, request }: Pending, copy: number): void {
    this.#publishAbandon(request.request.uuid, { keep: `${this.#inbox}.${token}.${copy}` });
  }

  #publishAbandon(uuid: string, copies?: Abandoned): void {
    const message: Abandon = { v: 1, uuid };
    if (!this.#bus.connected) return;
    const options = copies === undefined ? {} : { headers: abandonHeaders(copies) };
    this.#bus.nats.publish(BUS.abandon, JSON.stringify(message), options);
  }
}
