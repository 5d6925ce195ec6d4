import type { CallRecord, SimulatedCall } from '#libs/simulator/call-record.ts';
import type { Callee } from '#libs/simulator/call-script.ts';
import { fastClock } from '#libs/simulator/clock.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client, FakeAgent } from './client.ts';
import { type Frame, recorded } from './frames.ts';

/** The behaviour of the parties of a recorded call. */
export interface Scenario {
  readonly callees?: Readonly<Record<string, Callee>>;
  readonly byeAt?: number;
  /** The simulated clock runs this many times as fast. */
  readonly clockFactor?: number;
  /** The caller cancels after this event of its leg, or after the agent's second reply. */
  readonly callerCancels?: 'CHANNEL_PROGRESS' | 'second reply';
  readonly agentDies?: boolean;
}

export interface Replay {
  readonly inbound: readonly Frame[];
  readonly outbound: readonly Frame[];
  readonly record: CallRecord;
}

/** Sends the recorded bytes of an agent to the simulator. */
export async function replay(name: string, scenario: Scenario): Promise<Replay> {
  const node = await SimulatedFreeSwitch.start({
    name: 'vm',
    ...(scenario.clockFactor === undefined ? {} : { clock: fastClock(scenario.clockFactor) }),
  });
  node.gateways.add('gw').add('gw2');
  const fromAgent = await recorded(name, 'outbound', 'agent');
  const connected = Promise.withResolvers<Client>();
  const agent = await FakeAgent.listen((client) => {
    client.send(fromAgent);
    connected.resolve(client);
  });
  const listener = await Client.connect(node.port);
  listener.send(await recorded(name, 'inbound', 'agent'));
  await listener.until(() => listener.replies.length === 3);
  try {
    const call = node.call({
      caller: { number: '13800138000', name: "张三 O'Brien 100%" },
      destination: '0555',
      variables: {
        DP_MATCH: ['0555', '555'],
        cti_bridge: 'http://127.0.0.1:9000/binding?number=0555&callerid=13800138000 3000 3000 1',
      },
      dialplan: [`socket 127.0.0.1:${agent.port}`, 'bridge sofia/gateway/gw2/fallback'],
      callee: (invite) => scenario.callees?.[invite.number] ?? {},
      ...(scenario.byeAt === undefined ? {} : { byeAt: scenario.byeAt }),
    });
    const outbound = await connected.promise;
    if (scenario.agentDies === true) await die(outbound);
    if (scenario.callerCancels !== undefined) await cancel(call, outbound, listener, scenario.callerCancels);
    const record = await call.ended;
    await outbound.untilClosed();
    await listener.until(() => listener.events.some((event) => isEndOf(event, record.uuid)));
    return { inbound: listener.frames, outbound: outbound.frames, record };
  } finally {
    listener.socket.destroy();
    await agent.close();
    await node.stop();
  }
}

const isEndOf = (event: ReadonlyMap<string, unknown>, uuid: string): boolean =>
  event.get('Event-Name') === 'CHANNEL_HANGUP_COMPLETE' && event.get('Unique-ID') === uuid;

async function die(outbound: Client): Promise<void> {
  await outbound.until(() => outbound.replies.length === 2);
  outbound.socket.destroy();
}

async function cancel(
  call: SimulatedCall,
  outbound: Client,
  listener: Client,
  when: NonNullable<Scenario['callerCancels']>,
): Promise<void> {
  if (when === 'second reply') await outbound.until(() => outbound.replies.length === 2);
  else {
    await listener.until(() =>
      listener.events.some(
        (event) => event.get('Event-Name') === when && event.get('Unique-ID') === call.uuid,
      ),
    );
  }
  call.hangup();
}
