import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Callee } from '#test/support/cases/case-node.ts';
import type { TestEndpoint } from '#test/support/cases/stack.ts';
import type { TracedMessage } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeNode, LifeOutcome, LifePlaced, LifeScript } from './node.ts';

/** The numbers of the issue: who calls, what it dials, and who is reached without either seeing the other's. */
export const CALLER = '13900001111';
export const SHOWN = '95588';
export const HIDDEN = '13800138000';

export const answers: Callee = { ringAt: 20, answerAt: 60 };
export const rings: Callee = { ringAt: 20 };
export const refuses = (status: number, at = 20): Callee => ({ refuse: { at, status } });

/**
 * A variable of the caller leg and its value. FreeSWITCH hangs up the caller in a third of the transfers by `att_xfer`: its
 * two threads race when the called party hangs up.
 */
export const KEEP_CALLER = 'execute_on_post_bridge sleep 100';

/** A target through gateway gw. */
export const gw = (number: string, more: object = {}) => ({
  type: 'gateway',
  gateway: 'gw',
  number,
  ...more,
});
export const gw2 = (number: string, more: object = {}) => ({ ...gw(number, more), gateway: 'gw2' });

/** Measures ms from now on, so that a slow machine lengthens the bound of a duration with the duration itself. */
export const stopwatch = (): (() => number) => {
  const started = performance.now();
  return () => performance.now() - started;
};

/** A decision as JSON; a function decides by the request. */
export type Decide = object | ((request: EndpointRequest) => object);
/** A notification as JSON. */
export type Notified = Readonly<Record<string, unknown>>;

export interface LifeCall extends LifePlaced {
  /** The requests for a decision on the call, in order. */
  requests(): readonly EndpointRequest[];
  /** The notifications of the call, in order. */
  notified(): readonly Notified[];
  /** Waits for one notification. */
  notification(action: string): Promise<Notified>;
  /** Waits for the end of the call and its hangup. */
  finish(): Promise<LifeOutcome & { readonly notice: Notified }>;
}

/** The whole product around one FreeSWITCH, for one case: with an endpoint of its own, which the case instructs. */
export class LifeHarness {
  readonly freeswitch: LifeNode;
  readonly cluster: TestEndpoint;
  /** A further endpoint, at a URL of its own. */
  readonly another: () => TestEndpoint;
  /** The folder of RECORDINGS. */
  readonly recordings: string;
  readonly #placed: LifeCall[] = [];

  constructor(freeswitch: LifeNode, cluster: TestEndpoint, another: () => TestEndpoint, recordings = '') {
    this.freeswitch = freeswitch;
    this.cluster = cluster;
    this.another = another;
    this.recordings = recordings;
  }

  decide(how: Decide): void {
    this.cluster.answer = (request) => ({
      body: JSON.stringify(typeof how === 'function' ? how(request) : how),
    });
  }

  /** Decides every request alike and places a call. */
  call(how: Decide, callees: LifeScript['callees'], more: Partial<LifeScript> = {}): LifeCall {
    this.decide(how);
    return this.place(callees, more);
  }

  place(callees: LifeScript['callees'], more: Partial<LifeScript> = {}): LifeCall {
    const call = this.freeswitch.place({
      caller: { number: CALLER, name: 'Alice' },
      destination: SHOWN,
      ctiBridge: `${this.cluster.url} 15000 15000 1`,
      socket: this.cluster.socket,
      fallback: 'error/USER_BUSY',
      callees,
      ...more,
    });
    const requests = () => this.requests(call.uuid);
    const notified = () => this.notified(call.uuid);
    const notification = async (action: string): Promise<Notified> => {
      await until(`${action} is notified`, () => notified().some((one) => one['action'] === action));
      return notified().find((one) => one['action'] === action) as Notified;
    };
    const placed: LifeCall = {
      uuid: call.uuid,
      caller: call.caller,
      callee: call.callee,
      get events() {
        return call.events;
      },
      get trace() {
        return call.trace;
      },
      ended: call.ended,
      get talking() {
        return call.talking;
      },
      requests,
      notified,
      notification,
      finish: async () => ({ ...(await call.ended), notice: await notification('hangup') }),
    };
    this.#placed.push(placed);
    return placed;
  }

  /** The SIP messages of all calls of the case, in order. */
  traces(): readonly TracedMessage[] {
    return this.#placed.flatMap(({ trace }) => trace).toSorted((one, other) => one.at - other.at);
  }

  /** Ends the calls that a failed case has left. */
  async clear(): Promise<void> {
    for (const { uuid } of this.#placed) await this.freeswitch.api(`uuid_kill ${uuid}`);
  }

  requests(uuid: string): readonly EndpointRequest[] {
    return this.cluster.requests.filter((request) => request.uuid === uuid);
  }

  notified(uuid: string): readonly Notified[] {
    return this.cluster.delivered
      .map(({ notification }) => notification)
      .filter((notification) => notification.uuid === uuid);
  }
}

/** The entries of `tried` as [number, cause]. */
export const tried = (notice: Notified | EndpointRequest): readonly [string, string][] =>
  (notice['tried'] as readonly { number: string; cause: string }[]).map(({ number, cause }) => [
    number,
    cause,
  ]);

/** One entry of `tried` in full. */
export const triedLeg = (notice: Notified | EndpointRequest, at: number): Notified =>
  (notice['tried'] as readonly Notified[])[at] ?? {};

/** Waits `ms`. Fails when the call of the party ends before. */
export async function talksFor(ms: number, { ended }: { readonly ended: Promise<unknown> }): Promise<void> {
  expect(await Promise.race([ended.then(() => 'ended'), sleep(ms, 'talking')])).toBe('talking');
}
