import { FreeSwitch } from '#test/support/freeswitch/freeswitch.ts';
import { LiveCalls } from '#test/support/freeswitch/live-calls.ts';
import { type Line, placeCall } from '#test/support/freeswitch/place-call.ts';
import { World as SipWorld } from '#test/support/freeswitch/world.ts';
import type { CallInFlight, CallTold, IncomingCall, Switch } from './switch.ts';
import { TOLD_BY, toldOf } from './told.ts';

const BYE_AT_LATEST_MS = 10_000;

/** A real FreeSWITCH, with callers and called parties in SIP, and a listener of our own for what it tells. */
export class RealSwitch implements Switch {
  readonly #freeswitch: FreeSwitch;
  readonly #line: Line;
  #lastWord = '';

  private constructor(freeswitch: FreeSwitch, line: Line) {
    this.#freeswitch = freeswitch;
    this.#line = line;
  }

  static async create(): Promise<RealSwitch> {
    const world = new SipWorld();
    const live = new LiveCalls();
    const caller = await world.listen(undefined);
    const gw = await world.listen('gw');
    const gw2 = await world.listen('gw2');
    const fallback = await world.listen('fallback');
    const outside = { gw: gw.address, gw2: gw2.address, fallback: fallback.address, ip: gw.address };
    const freeswitch = await FreeSwitch.configure(
      { ...outside, logLevel: 'warning' },
      { events: TOLD_BY.join(' '), onEvent: (event) => live.note(event) },
    );
    return new RealSwitch(freeswitch, { world, live, caller, sipPort: freeswitch.sipPort });
  }

  get eventSocket(): Switch['eventSocket'] {
    return this.#freeswitch.eventSocket;
  }

  get running(): boolean {
    return this.#freeswitch.running;
  }

  call({ callee, byeAt = BYE_AT_LATEST_MS, ...script }: IncomingCall): CallInFlight {
    const { uuid, ended } = placeCall(this.#line, { ...script, byeAt }, (_, via) => callee(via));
    const told = async (): Promise<CallTold | undefined> => {
      const { seen, events } = await ended;
      const cameIn = events.length > 0 || seen.statuses.length > 0;
      return cameIn ? toldOf(uuid, events, this.#lastWord) : undefined;
    };
    return { uuid, ended: told() };
  }

  start(): Promise<void> {
    return this.#freeswitch.start();
  }

  async stop(): Promise<void> {
    await this.#freeswitch.stop();
    this.#gone('SYSTEM_SHUTDOWN');
  }

  async crash(): Promise<void> {
    await this.#freeswitch.kill();
    this.#gone('CRASH');
  }

  /** An end in order takes FreeSWITCH four seconds. */
  async close(): Promise<void> {
    await this.#freeswitch.kill();
    await this.#freeswitch.close();
    await this.#line.world.close();
  }

  /** Nothing more will be told of the calls that were up, nor said in them. */
  #gone(cause: string): void {
    this.#lastWord = cause;
    this.#line.world.hangUp();
    this.#line.live.endAll();
  }
}
