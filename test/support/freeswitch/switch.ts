import type { CallOutcome, CallScript, Switch } from '#test/support/cases/switch.ts';
import { type Event, text } from './event-socket.ts';
import { FreeSwitch } from './freeswitch.ts';
import { hangupsOf, LiveCalls } from './live-calls.ts';
import { placeCall, type Script } from './place-call.ts';
import { SipNetwork } from './sip-network.ts';

export { freeswitchFound } from './process.ts';

/** What a real FreeSWITCH tells beyond the common outcome. */
export interface RealOutcome extends CallOutcome {
  /** Every status that the caller saw for its INVITE, in order, e.g. 100 180 200. */
  readonly statuses: readonly number[];
  /** CHANNEL_HANGUP_COMPLETE of the caller's leg. */
  readonly hangup: Event;
  /** CHANNEL_HANGUP_COMPLETE of the called legs, in the order in which they ended. */
  readonly calledHangups: readonly Event[];
}

/** A call with further headers in the caller's INVITE. */
export type RealScript = CallScript & Pick<Script, 'headers'>;

/** A FreeSWITCH of the tests' own, in a process of its own. */
export interface RealSwitch extends Switch {
  /** The domain in which users 1000 (one device) and 2000 (two devices) are registered. */
  readonly domain: string;
  /** A directory user who may log in to the event socket: `userauth NAME@DOMAIN:PASSWORD`. */
  readonly user: { readonly name: string; readonly password: string };
  call(script: RealScript): Promise<RealOutcome>;
  /** Runs a command of FreeSWITCH's API. */
  api(command: string): Promise<string>;
}

const EVENTS = 'CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE';
const PATIENCE_MS = 25_000;
const BYE_AT_MS = 300;
const BYE_AT_LATEST_MS = 10_000;

/**
 * Starts a FreeSWITCH with a configuration of its own on free ports of loopback. Gateways gw and gw2, every address
 * dialled through profile `external`, and the devices of users 1000 and 2000 all lead to the script's callees.
 */
export async function realSwitch({ logLevel = 'warning' } = {}): Promise<RealSwitch> {
  const network = new SipNetwork();
  const [caller, gw, gw2, ip, device, secondDevice] = await Promise.all([
    network.listen(undefined),
    network.listen('gw'),
    network.listen('gw2'),
    network.listen('ip'),
    network.listen('device'),
    network.listen('device'),
  ]);
  const live = new LiveCalls();
  const outside = { gw: gw.address, gw2: gw2.address, fallback: gw.address, ip: ip.address, logLevel };
  const freeswitch = await FreeSwitch.configure(outside, {
    events: EVENTS,
    onEvent: (event) => live.note(event),
  });
  const stop = async () => {
    await freeswitch.close();
    await network.close();
  };
  const { domain, sipPort } = freeswitch;
  try {
    await freeswitch.start();
    await network.register('1000', domain, device, sipPort);
    await network.register('2000', domain, device, sipPort);
    await network.register('2000', domain, secondDevice, sipPort);
  } catch (error) {
    await stop();
    throw error;
  }

  async function call(script: RealScript): Promise<RealOutcome> {
    const calleeEnds = Object.values(script.callees).some(({ hangsUpAt }) => hangsUpAt !== undefined);
    const byeAt = script.byeAt ?? (calleeEnds ? BYE_AT_LATEST_MS : BYE_AT_MS);
    const line = { network, live, caller, sipPort };
    const { uuid, ended } = placeCall(line, { ...script, byeAt }, (number) => script.callees[number]);
    const { seen, invites, events } = await ended;
    const { hangup, calledHangups } = hangupsOf(events);
    if (hangup === undefined) throw new Error(`FreeSWITCH died under the call to ${script.destination}`);
    return {
      uuid,
      invites,
      status: seen.status,
      reason: seen.reason,
      result: text(hangup, 'variable_dialhook_result'),
      error: text(hangup, 'variable_dialhook_error'),
      statuses: seen.statuses,
      hangup,
      calledHangups,
    };
  }

  return {
    name: 'freeswitch',
    eventSocket: freeswitch.eventSocket,
    domain,
    user: freeswitch.user,
    api: (command) => freeswitch.api(command),
    call: (script) => within(PATIENCE_MS, `the call to ${script.destination}`, call(script)),
    stop,
  };
}

async function within<T>(ms: number, what: string, wait: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} did not end within ${ms} ms`)), ms);
  return Promise.race([wait, late.promise]).finally(() => clearTimeout(timer));
}
