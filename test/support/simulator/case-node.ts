import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { Invite as SimulatedInvite } from '#libs/simulator/call-script.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import type { CallOutcome, CallScript, CaseNode, Invite } from '#test/support/cases/case-node.ts';

const BYE_AT_MS = 300;
const BYE_AT_LATEST_MS = 10_000;
const NOT_FOUND = { refuse: { at: 0, status: 404 } };

/** The outcome of a call with the simulator's record. */
export interface SimulatedOutcome extends CallOutcome {
  readonly record: CallRecord;
}

export interface SimulatedCaseNode extends CaseNode {
  readonly node: SimulatedFreeSwitch;
  call(script: CallScript): Promise<SimulatedOutcome>;
}

/** A simulated FreeSWITCH with gateways gw and gw2, and users 1000 with one device and 2000 with two. */
export async function simulatedCaseNode(): Promise<SimulatedCaseNode> {
  const node = await SimulatedFreeSwitch.start({
    name: 'simulated',
    extension: (number, context) =>
      context === 'transferred' ? [`bridge sofia/gateway/gw/${number}`] : undefined,
  });
  node.gateways.add('gw').add('gw2');
  node.registerUser('1000', ['sip:1000@10.0.0.9:5060']);
  node.registerUser('2000', ['sip:2000@10.0.0.10:5060', 'sip:2000@10.0.0.11:5062']);
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

const inviteOf = (invite: SimulatedInvite): Invite => ({
  number: invite.number,
  via: viaOf(invite),
  callerNumber: invite.callerNumber,
  codecs: invite.codecs,
});

function viaOf({ gateway, profile }: SimulatedInvite): Invite['via'] {
  if (gateway === 'gw' || gateway === 'gw2') return gateway;
  return profile === 'internal' ? 'device' : 'ip';
}

function text({ variables }: CallRecord, name: string): string | undefined {
  const value = variables[name];
  return typeof value === 'string' ? value : undefined;
}
