import type { CallOutcome, CallScript, CaseNode } from '#test/support/cases/case-node.ts';
import { until } from '#test/support/until.ts';
import type { CalledParty } from './called-party.ts';
import type { CallingParty } from './calling-party.ts';
import { type Event, text } from './event-socket.ts';
import { FreeSwitch } from './freeswitch.ts';
import { hangupsOf, LiveCalls } from './live-calls.ts';
import { type Placed, placeCall, type Script } from './place-call.ts';
import { SipNetwork } from './sip-network.ts';
import type { TracedMessage } from './sip-trace.ts';

export { freeswitchFound } from './process.ts';

/** What a real FreeSWITCH tells beyond the common outcome. */
export interface RealOutcome extends CallOutcome {
  /** Every status that the caller saw for its INVITE, in order, e.g. 100 180 200. */
  readonly statuses: readonly number[];
  /** CHANNEL_HANGUP_COMPLETE of the caller's leg. */
  readonly hangup: Event;
  /** CHANNEL_HANGUP_COMPLETE of the called legs, in the order in which they ended. */
  readonly calledHangups: readonly Event[];
  /** Every event of the call's legs, in order. */
  readonly events: readonly Event[];
  /** Every SIP message of both sides, in order. */
  readonly trace: readonly TracedMessage[];
}

/** A call in progress, whose parties the test moves. */
export interface PlacedCall {
  readonly uuid: string;
  readonly caller: CallingParty;
  /** Resolves when the caller can talk with a called party. */
  readonly talking: Promise<void>;
  /** The party at a number, once it has answered. With several calls to the number, the last. */
  callee(number: string): Promise<CalledParty>;
  /** The events of its legs so far. */
  readonly events: readonly Event[];
  /** The SIP messages so far. */
  readonly trace: readonly TracedMessage[];
  readonly ended: Promise<RealOutcome>;
}

/** A call with further headers in the caller's INVITE. */
export type RealScript = CallScript & Pick<Script, 'headers'>;

/** A FreeSWITCH of the tests' own, in a process of its own. */
export interface RealCaseNode extends CaseNode {
  /** The domain in which users 1000 (one device) and 2000 (two devices) are registered. */
  readonly domain: string;
  /** A directory user who may log in to the event socket: `userauth NAME@DOMAIN:PASSWORD`. */
  readonly user: { readonly name: string; readonly password: string };
  call(script: RealScript): Promise<RealOutcome>;
  /** Places a call that lasts until the script or the test ends it. */
  place(script: RealScript): PlacedCall;
  /** Where it takes calls. */
  readonly sipPort: number;
  /** HOST:PORT of a SIP proxy at a host that is not FreeSWITCH's own. */
  readonly elsewhere: string;
  /** The certificate that FreeSWITCH trusts over SIP, in PEM, and its key. */
  readonly tls: FreeSwitch['tls'];
  readonly running: boolean;
  /** Resolves when `sofia recover` would bring every answered leg of the call back after a crash. */
  untilRecoverable(call: PlacedCall): Promise<void>;
  /** Kills FreeSWITCH, as a crash does. The parties keep their dialogs. */
  kill(): Promise<void>;
  /** Ends FreeSWITCH in order. */
  shutDown(): Promise<void>;
  /** Starts it again after `kill` or `shutDown`. */
  start(): Promise<void>;
  /** RTP packets of 20 ms with sound that all callers, or all parties called through gw and gw2, got so far. */
  heard(side: 'caller' | 'called'): number;
  /** Ends all calls. A late INVITE of theirs reaches no party of a later call. */
  endCalls(): Promise<void>;
  /** Runs a command of FreeSWITCH's API. */
  api(command: string): Promise<string>;
}

const EVENTS = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_HANGUP_COMPLETE',
].join(' ');
const PATIENCE_MS = 60_000;
/** Together with the rest of its contact, over 360 characters: as long as one with a push token. */
const PUSH_PARAMETERS = `;app-id=com.example.phone;pn-type=apple;pn-tok=${'0123456789abcdef'.repeat(18)}`;
const BYE_AT_MS = 300;
const BYE_AT_LATEST_MS = 10_000;

/**
 * Starts a FreeSWITCH with a configuration of its own on free ports of loopback. Gateways gw and gw2, every address
 * dialled through profile `external`, and the devices of users 1000, 2000 and 3000 all lead to the script's callees.
 * With `trackCalls`, `sofia recover` can bring calls back after a kill. Without `callIdAsUuid`, the uuid of a placed call
 * is not known. `interfaceAllowlist` is that section of switch.conf.xml.
 */
export async function realCaseNode({
  logLevel = 'warning',
  trackCalls = false,
  callIdAsUuid = true,
  interfaceAllowlist = '',
} = {}): Promise<RealCaseNode> {
  const network = new SipNetwork();
  const [caller, gw, gw2, ip, device, secondDevice, elsewhere] = await Promise.all([
    network.listen(undefined),
    network.listen('gw'),
    network.listen('gw2'),
    network.listen('ip'),
    network.listen('device'),
    network.listen('device'),
    network.listen('ip', '127.0.0.2'),
  ]);
  const live = new LiveCalls();
  const outside = {
    gw: gw.address,
    gw2: gw2.address,
    fallback: gw.address,
    ip: ip.address,
    logLevel,
    trackCalls,
    callIdAsUuid,
    interfaceAllowlist,
  };
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
    await network.register('3000', domain, device, sipPort, PUSH_PARAMETERS);
    await network.register('3000', domain, secondDevice, sipPort, PUSH_PARAMETERS);
  } catch (error) {
    await stop();
    throw error;
  }

  function place(script: RealScript): PlacedCall {
    const line = { network, live, caller, sipPort };
    const placed = placeCall(line, script, (number) => script.callees[number]);
    const { uuid, call } = placed;
    const ended = within(PATIENCE_MS, `the call to ${script.destination}`, outcomeOf(placed, script));
    // A test that fails before it waits for the end leaves this promise alone.
    ended.catch(() => {});
    return {
      uuid,
      caller: placed.caller,
      get talking() {
        return bridged(placed);
      },
      callee: (number) => answeredParty(placed, number),
      events: placed.events,
      trace: call.trace,
      ended,
    };
  }

  return {
    name: 'freeswitch',
    eventSocket: freeswitch.eventSocket,
    domain,
    sipPort,
    elsewhere: elsewhere.address,
    tls: freeswitch.tls,
    get running() {
      return freeswitch.running;
    },
    user: freeswitch.user,
    api: (command) => freeswitch.api(command),
    endCalls: async () => {
      network.forgetAll();
      await freeswitch.api('hupall');
    },
    heard: (side) => (side === 'caller' ? caller.loudPackets : gw.loudPackets + gw2.loudPackets),
    place,
    call: (script) => {
      const calleeEnds = Object.values(script.callees).some(({ hangsUpAt }) => hangsUpAt !== undefined);
      return place({ byeAt: calleeEnds ? BYE_AT_LATEST_MS : BYE_AT_MS, ...script }).ended;
    },
    untilRecoverable: ({ events }) =>
      until('FreeSWITCH can recover the call', () => {
        const legs = events.filter((event) => text(event, 'Event-Name') === 'CHANNEL_ANSWER');
        const recoverable = freeswitch.recoverable();
        return legs.length > 1 && legs.every((event) => recoverable.includes(text(event, 'Unique-ID') ?? ''));
      }),
    kill: () => freeswitch.kill(),
    shutDown: () => freeswitch.stop(),
    start: () => freeswitch.start(),
    stop,
  };
}

async function outcomeOf({ uuid, call, ended }: Placed, script: RealScript): Promise<RealOutcome> {
  const { seen, events } = await ended;
  const { hangup, calledHangups } = hangupsOf(events);
  if (hangup === undefined) throw new Error(`FreeSWITCH died under the call to ${script.destination}`);
  return {
    uuid,
    invites: call.invites,
    status: seen.status,
    reason: seen.reason,
    result: text(hangup, 'variable_dialhook_result'),
    error: text(hangup, 'variable_dialhook_error'),
    statuses: seen.statuses,
    hangup,
    calledHangups,
    events,
    trace: call.trace,
  };
}

async function bridged({ caller, events }: Placed): Promise<void> {
  await until('the parties are connected', () =>
    events.some((one) => one['Event-Name'] === 'CHANNEL_BRIDGE'),
  );
  await caller.answered;
}

async function answeredParty({ call }: Placed, number: string): Promise<CalledParty> {
  const party = () => call.parties.findLast((one) => one.number === number && one.hasAnswered);
  await until(`${number} has answered`, () => party() !== undefined);
  return party() as CalledParty;
}

async function within<T>(ms: number, what: string, wait: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} did not end within ${ms} ms`)), ms);
  return Promise.race([wait, late.promise]).finally(() => clearTimeout(timer));
}
