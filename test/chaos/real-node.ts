import { FreeSwitch } from '#test/support/freeswitch/freeswitch.ts';
import { LiveCalls } from '#test/support/freeswitch/live-calls.ts';
import { type Line, placeCall } from '#test/support/freeswitch/place-call.ts';
import { SipNetwork } from '#test/support/freeswitch/sip-network.ts';
import type { CallInFlight, IncomingCall, ObservedCall, TestNode } from './node.ts';
import { OBSERVED_EVENTS, observedCall } from './observed-call.ts';

const BYE_AT_LATEST_MS = 10_000;

/** A real FreeSWITCH with SIP callers and called parties. An event socket connection of the test records its events. */
export class RealNode implements TestNode {
  readonly #freeswitch: FreeSwitch;
  readonly #line: Line;
  #lastCause = '';

  private constructor(freeswitch: FreeSwitch, line: Line) {
    this.#freeswitch = freeswitch;
    this.#line = line;
  }

  static async create(): Promise<RealNode> {
    const network = new SipNetwork();
    const live = new LiveCalls();
    const caller = await network.listen(undefined);
    const gw = await network.listen('gw');
    const gw2 = await network.listen('gw2');
    const fallback = await network.listen('fallback');
    const outside = { gw: gw.address, gw2: gw2.address, fallback: fallback.address, ip: gw.address };
    const freeswitch = await FreeSwitch.configure(
      { ...outside, logLevel: 'warning', trackCalls: false, callIdAsUuid: true, interfaceAllowlist: '' },
      { events: OBSERVED_EVENTS.join(' '), onEvent: (event) => live.note(event) },
    );
    return new RealNode(freeswitch, { network, live, caller, sipPort: freeswitch.sipPort });
  }

  get eventSocket(): TestNode['eventSocket'] {
    return this.#freeswitch.eventSocket;
  }

  get running(): boolean {
    return this.#freeswitch.running;
  }

  call({ callee, byeAt = BYE_AT_LATEST_MS, ...script }: IncomingCall): CallInFlight {
    const { uuid, ended } = placeCall(this.#line, { ...script, byeAt }, (_, via) => callee(via));
    const observed = async (): Promise<ObservedCall | undefined> => {
      const { seen, events } = await ended;
      const arrived = events.length > 0 || seen.statuses.length > 0;
      return arrived ? observedCall(uuid, events, this.#lastCause) : undefined;
    };
    return { uuid, ended: observed() };
  }

  start(): Promise<void> {
    return this.#freeswitch.start();
  }

  async stop(): Promise<void> {
    await this.#freeswitch.stop();
    this.#endCalls('SYSTEM_SHUTDOWN');
  }

  async crash(): Promise<void> {
    await this.#freeswitch.kill();
    this.#endCalls('CRASH');
  }

  /** Kills it: an orderly shutdown takes FreeSWITCH four seconds. */
  async close(): Promise<void> {
    await this.#freeswitch.kill();
    await this.#freeswitch.close();
    await this.#line.network.close();
  }

  /** Ends all calls on the test's side: no more events or SIP messages of them will arrive. */
  #endCalls(cause: string): void {
    this.#lastCause = cause;
    this.#line.network.hangUp();
    this.#line.live.endAll();
  }
}
