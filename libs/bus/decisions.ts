import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import type { Context } from '@opentelemetry/api';
import { Abandon, BUS, type DecisionReply, DecisionRequest, failed } from '#libs/contract/messages.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { accept, isAbandoned, sentAt } from './decision-headers.ts';
import { callIn, MessageError, readMessage, traceFromHeaders } from './message.ts';
import { TransitTime } from './transit-time.ts';

/**
 * A copy of a request that was slower by so much is dropped: its agent has sent another one, and `abandon` for this one
 * may be lost. It was, for example, in a NATS server that was suspended.
 */
const STALE_MS = 1_000;
/** A copy that was slower by so much may have been hedged. */
const LATE_MS = 50;
/** How long a router that works on one of several copies waits for the agent's choice before its HTTP request, ms. */
const CHOICE_MS = 50;

/** A request in flight. */
export interface Work {
  /** Aborted when the agent has stopped waiting for this router. */
  readonly signal: AbortSignal;
  /**
   * Call before the HTTP request is made: the agent then sends the request to no other router. Resolves when the HTTP
   * request may be made, unless the signal is aborted by then.
   */
  readonly accept: () => Promise<void>;
}

export type Decide = (request: DecisionRequest, parent: Context, work: Work) => Promise<DecisionReply>;

/** The reply subject without the number of the copy: the same for all copies of a request. */
const requestOf = (reply: string): string => reply.slice(0, reply.lastIndexOf('.'));

/** Whether this is not the first copy of a request. */
const isHedge = ({ reply = '' }: Msg): boolean => !reply.endsWith('.0');

/** The inbox of the agent process. */
const senderOf = ({ reply = '' }: Msg): string => requestOf(requestOf(reply));

const identityOf = ({ subject, data }: Msg) => ({ subject, ...callIn(data) });

interface InFlight {
  readonly controller: AbortController;
  readonly reply: string;
  done: Promise<void>;
}

/** Serves decision requests in the routers' queue group. */
export class DecisionServer {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #aside: SetAside;
  readonly #decide: Decide;
  /** By uuid of the call. */
  readonly #inFlight = new Map<string, Set<InFlight>>();
  readonly #transit = new TransitTime();
  readonly #stop: () => Promise<void>;
  #stale = 0;

  constructor(bus: Bus, log: Log, aside: SetAside, decide: Decide) {
    this.#bus = bus;
    this.#log = log;
    this.#aside = aside;
    this.#decide = decide;
    const whenValid = (use: (message: Msg) => void) => (error: Error | null, message: Msg) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      aside.run(
        'nats_message',
        () => identityOf(message),
        () => use(message),
      );
    };
    bus.nats.subscribe(BUS.abandon, { callback: whenValid((message) => this.#onAbandon(message)) });
    const requests = bus.nats.subscribe(BUS.decide, {
      queue: BUS.routers,
      callback: whenValid((message) => this.#onRequest(message)),
    });
    this.#stop = () => requests.drain().catch(() => {});
  }

  /** Stops serving. Resolves when all requests in flight are answered. */
  async stop(): Promise<void> {
    await this.#stop();
    await Promise.allSettled([...this.#inFlight.values()].flatMap((all) => [...all].map(({ done }) => done)));
  }

  #onRequest(message: Msg): void {
    const sent = sentAt(message);
    const delayMs =
      sent === undefined ? 0 : this.#transit.delayMs(senderOf(message), sent, performance.now());
    if (delayMs > STALE_MS) {
      this.#log.warn('request.stale', { delay_ms: Math.round(delayMs), dropped: ++this.#stale });
      return;
    }
    let request: DecisionRequest;
    try {
      request = readMessage(DecisionRequest, BUS.decide, message.data);
    } catch (error) {
      this.#reply(message, this.#fault(message, error as Error));
      return;
    }
    this.#serve(message, request, sent !== undefined, delayMs > LATE_MS || isHedge(message));
  }

  /**
   * @param expectsAcceptance whether the agent sends copies, of which a router serves one.
   * @param isOneOfSeveral whether another router may have another copy.
   */
  #serve(message: Msg, request: DecisionRequest, expectsAcceptance: boolean, isOneOfSeveral: boolean): void {
    const { reply = '' } = message;
    const { uuid } = request.request;
    const ofCall = this.#inFlight.get(uuid) ?? new Set();
    if (expectsAcceptance && [...ofCall].some((other) => requestOf(other.reply) === requestOf(reply))) return;
    const entry: InFlight = { controller: new AbortController(), reply, done: Promise.resolve() };
    this.#inFlight.set(uuid, ofCall.add(entry));
    const { signal } = entry.controller;
    const acceptRequest = async () => {
      // An overloaded or suspended router reads a request late, right before the agent's `abandon` for it. Waiting one
      // turn lets that message abort the request.
      await nextTurn();
      if (signal.aborted || !expectsAcceptance || this.#bus.nats.isClosed()) return;
      accept(message, uuid);
      if (isOneOfSeveral) await pause(CHOICE_MS, undefined, { signal }).catch(() => {});
    };
    const parent = traceFromHeaders(message.headers, () => callContext(uuid));
    entry.done = this.#decide(request, parent, { signal, accept: acceptRequest })
      .catch((error: Error) => this.#fault(message, error))
      .then((answer) => this.#reply(message, answer))
      .finally(() => {
        ofCall.delete(entry);
        if (ofCall.size === 0) this.#inFlight.delete(uuid);
      });
    inBackground(this.#log, 'reply to a request', entry.done);
  }

  #onAbandon(message: Msg): void {
    const { uuid } = readMessage(Abandon, BUS.abandon, message.data);
    for (const { reply, controller } of this.#inFlight.get(uuid) ?? [])
      if (isAbandoned(message, reply)) controller.abort();
  }

  #fault(message: Msg, error: Error): DecisionReply {
    if (error instanceof MessageError) this.#aside.add('nats_message', error, identityOf(message));
    else this.#log.error('request.failed', { ...callIn(message.data), err: error });
    return failed('internal_error', error.message);
  }

  #reply(message: Msg, reply: DecisionReply): void {
    if (this.#bus.nats.isClosed()) return;
    try {
      message.respond(JSON.stringify(reply));
    } catch (error) {
      // For example a plan that is larger than the server's max_payload.
      if (this.#bus.nats.isClosed()) return;
      message.respond(JSON.stringify(failed('internal_error', `the reply: ${(error as Error).message}`)));
    }
  }
}
