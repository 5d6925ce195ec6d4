import type { Callee, CallRecord, SimulatedCall } from '#libs/simulator/call-record.ts';
import { fastClock } from '#libs/simulator/clock.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client, FakeAgent } from './client.ts';
import { type Frame, recorded } from './frames.ts';

/** What the parties around a recorded call did. */
export interface Scenario {
  readonly callees?: Readonly<Record<string, Callee>>;
  readonly byeAt?: number;
  /** Milliseconds on the simulated clock, which is this much faster. */
  readonly clockFactor?: number;
  /** The caller gives up once this event of its own channel, or the agent's second reply, has been seen. */
  readonly callerGivesUp?: 'CHANNEL_PROGRESS' | 'while the agent thinks';
  readonly agentDies?: boolean;
}

export interface Replay {
  readonly inbound: readonly Frame[];
  readonly outbound: readonly Frame[];
  readonly record: CallRecord;
}

/** Plays the recorded bytes of an agent against the simulator. */
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
    if (scenario.callerGivesUp !== undefined) await giveUp(call, outbound, listener, scenario.callerGivesUp);
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

async function giveUp(
  call: SimulatedCall,
  outbound: Client,
  listener: Client,
  when: NonNullable<Scenario['callerGivesUp']>,
): Promise<void> {
  if (when === 'while the agent thinks') await outbound.until(() => outbound.replies.length === 2);
  else {
    await listener.until(() =>
      listener.events.some(
        (event) => event.get('Event-Name') === when && event.get('Unique-ID') === call.uuid,
      ),
    );
  }
  call.hangup();
}
