import { callIdOf } from '#libs/contract/call-id.ts';
import type { SimulatedCall } from '#libs/simulator/call-record.ts';
import type { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { headerOf, type SipMessage } from '#libs/simulator/sip/message.ts';
import type { Phone } from '#test/support/cases/case-node.ts';
import type {
  CalledPhone,
  CallerPhone,
  LifeNode,
  LifeOutcome,
  LifePlaced,
  LifeScript,
} from '#test/support/cases/life/node.ts';
import { formatSip } from '#test/support/freeswitch/sip-message.ts';
import { until } from '#test/support/until.ts';
import { inviteOf, NOT_FOUND, startSimulated, text } from './case-node.ts';
import { Client } from './client.ts';

const SIP_PORT = 5060;
/** What the phones of the callers support; `headers` of a script can have another. */
const ALLOW = ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY'] as const;

/** The simulator as a node of the life table, with the dialplan of test/support/freeswitch/conf/freeswitch.xml. */
export async function simulatedLifeNode({ callIdAsUuid = true } = {}): Promise<LifeNode> {
  const node = await startSimulated();
  let events: Client | undefined;
  const ends: ReadonlyMap<string, unknown>[] = [];
  const connect = async () => {
    events = await Client.logIn(node.port, 'event json CHANNEL_BRIDGE CHANNEL_HANGUP_COMPLETE');
  };
  await connect();
  /** All events of a channel, those before a crash included. */
  const eventsOf = (uuid: string) =>
    [...ends, ...(events?.events ?? [])].filter((event) => event.get('Unique-ID') === uuid);

  const api = async (command: string) =>
    (await events?.command(`api ${command}`))?.body ?? '-ERR not running';

  return {
    name: 'simulator',
    eventSocket: { host: node.host, port: node.port, password: node.password },
    sipPort: SIP_PORT,
    elsewhere: `127.0.0.2:${SIP_PORT}`,
    get running() {
      return events !== undefined;
    },
    place: (script) => place(node, script, callIdAsUuid, eventsOf),
    kill: async () => {
      ends.push(...(events?.events ?? []));
      events = undefined;
      await node.crash();
    },
    start: async () => {
      await node.boot();
      await connect();
    },
    api: async (command) => {
      if (command === 'sofia recover') return `Recovered ${node.recover().length} call(s)\n`;
      return api(command);
    },
    endCalls: async () => {
      await api('hupall');
    },
    stop: async () => {
      events?.socket.destroy();
      await node.stop();
    },
  };
}

function dialplanOf({ ctiBridge, socket, fallback }: LifeScript) {
  const dialhook = [
    ...(ctiBridge === undefined ? [] : [`set cti_bridge=${ctiBridge}`]),
    `socket ${socket}`,
    `bridge ${fallback}`,
  ];
  return (destination: string): readonly string[] => {
    const [, extension, argument] = /^(direct|pickup)-(.+)$/.exec(destination) ?? [];
    if (extension === 'direct') return [`bridge sofia/gateway/gw2/${argument}`];
    if (extension === 'pickup') return [`intercept ${argument}`];
    if (destination === '7888') return ['bridge sofia/gateway/gw2/7888'];
    if (destination === 'menu') return ['answer', 'playback tone_stream://%(2000,0,440)', ...dialhook];
    return dialhook;
  };
}

function place(
  node: SimulatedFreeSwitch,
  script: LifeScript,
  callIdAsUuid: boolean,
  eventsOf: (uuid: string) => readonly ReadonlyMap<string, unknown>[],
): LifePlaced {
  const messages: SipMessage[] = [];
  const { caller, destination, callId, headers = [], cancelAt, byeAt, refer } = script;
  const call = node.call({
    ...{ caller, destination, headers: [ALLOW, ...headers].toReversed() },
    dialplan: dialplanOf(script),
    callee: ({ number }) => script.callees[number] ?? NOT_FOUND,
    onMessage: (message) => messages.push(message),
    ...(callId === undefined ? {} : { callId, ...(callIdAsUuid ? { uuid: callId } : {}) }),
    ...(cancelAt === undefined ? {} : { cancelAt }),
    ...(byeAt === undefined ? {} : { byeAt }),
    ...(refer === undefined ? {} : { refer }),
  });
  const { uuid, statuses } = call;
  const has = (name: string): boolean => eventsOf(uuid).some((event) => event.get('Event-Name') === name);
  const ended = outcomeOf(call, messages, () => has('CHANNEL_HANGUP_COMPLETE'));
  // A test that fails before it waits for the end leaves this promise alone.
  ended.catch(() => {});
  return {
    uuid: callIdOf(uuid),
    caller: callerPhone(node, call),
    get talking() {
      return until('the parties are connected', () => has('CHANNEL_BRIDGE') && statuses.includes(200));
    },
    callee: (number) => answeredPhone(node, call, messages, number),
    get events() {
      return eventsOf(uuid).map((event) => Object.fromEntries(event));
    },
    get trace() {
      return traceOf(messages);
    },
    ended,
  };
}

const traceOf = (messages: readonly SipMessage[]) =>
  messages.map(({ at, side, number, byParty, ...message }) => ({
    ...{ at, side, number, byParty },
    text: formatSip(message),
  }));

/** A call that has been recovered after a crash ends after its script. */
async function outcomeOf(
  call: SimulatedCall,
  messages: readonly SipMessage[],
  hasEnded: () => boolean,
): Promise<LifeOutcome> {
  const record = await call.ended;
  await until('the caller leg has ended', hasEnded);
  return {
    uuid: record.uuid,
    invites: record.invites.map(inviteOf),
    status: record.status,
    reason: record.reason,
    result: text(record, 'dialhook_result'),
    error: text(record, 'dialhook_error'),
    statuses: call.statuses,
    trace: traceOf(messages),
  };
}

/** What the party of a leg sends. */
function phone(node: SimulatedFreeSwitch, leg: string): Phone {
  const party = () => node.phone(leg);
  return {
    replaces: `${leg};to-tag=1;from-tag=2`,
    refer(to: string, onto?: Phone) {
      const query = onto === undefined ? '' : `?Replaces=${encodeURIComponent(onto.replaces)}`;
      party()?.refer(`<sip:${to}@127.0.0.1${query}>`, '<sip:transferor@127.0.0.1>');
    },
    referTo: (value) => party()?.refer(value, undefined),
    update: (headers = []) => party()?.update(headers),
    reinvite: (headers = [], direction = 'sendrecv') => party()?.reinvite(headers, direction),
    info: (headers = []) => party()?.info(headers),
    bye: () => party()?.bye(),
    dtmf: async (digits) => party()?.dtmf(digits),
  };
}

function callerPhone(node: SimulatedFreeSwitch, { uuid, statuses }: SimulatedCall): CallerPhone {
  return {
    ...phone(node, uuid),
    statuses,
    cancel: () => node.phone(uuid)?.bye(),
    get answered() {
      return until('the call is answered', () => statuses.some((status) => status >= 200));
    },
    get ended() {
      return legEnded(node, uuid);
    },
  };
}

async function answeredPhone(
  node: SimulatedFreeSwitch,
  { invites }: SimulatedCall,
  messages: readonly SipMessage[],
  number: string,
): Promise<CalledPhone> {
  const answered = (leg: string): boolean =>
    messages.some(
      (one) =>
        one.leg === leg &&
        one.byParty &&
        one.start.startsWith('SIP/2.0 200') &&
        headerOf(one.headers, 'CSeq') === '1 INVITE',
    );
  const found = () => invites.findLast((invite) => invite.number === number && answered(invite.leg));
  await until(`${number} has answered`, () => found() !== undefined);
  const leg = found()?.leg ?? '';
  return {
    ...phone(node, leg),
    get ended() {
      return legEnded(node, leg);
    },
  };
}

const legEnded = (node: SimulatedFreeSwitch, leg: string): Promise<void> =>
  until('the leg has ended', () => node.phone(leg) === undefined);
