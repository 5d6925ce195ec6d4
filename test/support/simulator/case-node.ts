import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { Invite as SimulatedInvite } from '#libs/simulator/call-script.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import type { CallOutcome, CallScript, CaseNode, Invite } from '#test/support/cases/case-node.ts';

const BYE_AT_MS = 300;
const BYE_AT_LATEST_MS = 10_000;
/** The behaviour at a number without a party. */
export const NOT_FOUND = { refuse: { at: 0, status: 404 } };

/** The outcome of a call with the simulator's record. */
export interface SimulatedOutcome extends CallOutcome {
  readonly record: CallRecord;
}

export interface SimulatedCaseNode extends CaseNode {
  readonly node: SimulatedFreeSwitch;
  call(script: CallScript): Promise<SimulatedOutcome>;
}

/** Together with the rest of its contact, over 360 characters: as long as one with a push token. */
const PUSH = `;app-id=com.example.phone;pn-type=apple;pn-tok=${'0123456789abcdef'.repeat(18)}`;

/**
 * Starts a simulated FreeSWITCH with gateways gw and gw2, and users 1000 with one device, 2000 with two, and 3000 with two
 * whose contacts are long.
 */
export async function startSimulated(): Promise<SimulatedFreeSwitch> {
  const node = await SimulatedFreeSwitch.start({
    name: 'simulated',
    extension: (number, context) =>
      context === 'transferred' ? [`bridge sofia/gateway/gw/${number}`] : undefined,
  });
  node.gateways.add('gw').add('gw2').add('small').add('weak');
  node.registerUser('1000', ['sip:1000@10.0.0.9:5060']);
  node.registerUser('2000', ['sip:2000@10.0.0.10:5060', 'sip:2000@10.0.0.11:5062']);
  node.registerUser('3000', [`sip:3000@10.0.0.10:5060${PUSH}`, `sip:3000@10.0.0.11:5062${PUSH}`]);
  return node;
}

export async function simulatedCaseNode(): Promise<SimulatedCaseNode> {
  const node = await startSimulated();
  return {
    name: 'simulator',
    eventSocket: { host: node.host, port: node.port, password: node.password },
    node,
    call: (script) => call(node, script),
    stop: () => node.stop(),
  };
}

async function call(node: SimulatedFreeSwitch, script: CallScript): Promise<SimulatedOutcome> {
  const calleeEnds = Object.values(script.callees).some(({ hangsUpAt }) => hangsUpAt !== undefined);
  const record = await node.call({
    caller: script.caller,
    destination: script.destination,
    ...(script.callId === undefined ? {} : { callId: script.callId, uuid: script.callId }),
    ...(script.ctiBridge === undefined ? {} : { variables: { cti_bridge: script.ctiBridge } }),
    dialplan: [`socket ${script.socket}`, `bridge ${script.fallback}`],
    callee: ({ number }) => script.callees[number] ?? NOT_FOUND,
    byeAt: script.byeAt ?? (calleeEnds ? BYE_AT_LATEST_MS : BYE_AT_MS),
    ...(script.cancelAt === undefined ? {} : { cancelAt: script.cancelAt }),
    ...(script.refer === undefined ? {} : { refer: script.refer }),
  }).ended;
  return {
    uuid: record.uuid,
    invites: record.invites.map(inviteOf),
    status: record.status,
    reason: record.reason,
    result: text(record, 'dialhook_result'),
    error: text(record, 'dialhook_error'),
    record,
  };
}

export const inviteOf = (invite: SimulatedInvite): Invite => ({
  number: invite.number,
  via: viaOf(invite),
  callerNumber: invite.callerNumber,
  codecs: invite.codecs,
});

function viaOf({ gateway, profile }: SimulatedInvite): Invite['via'] {
  if (gateway === 'gw' || gateway === 'gw2') return gateway;
  if (gateway === 'small' || gateway === 'weak') return 'gw';
  return profile === 'internal' ? 'device' : 'ip';
}

/** A variable of the caller leg at its end. */
export function text({ variables }: CallRecord, name: string): string | undefined {
  const value = variables[name];
  return typeof value === 'string' ? value : undefined;
}
