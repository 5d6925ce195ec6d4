import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Callee } from '#libs/simulator/call-script.ts';
import type { CallScript } from '#test/support/cases/case-node.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { type ScriptedAgent, scriptedAgent } from '#test/support/freeswitch/scripted-agent.ts';
import { type SimulatedCaseNode, simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { Client } from '#test/support/simulator/client.ts';
import { factsOf } from '#test/support/simulator/facts.ts';
import { type Hangups, hangupsOf } from '#test/support/simulator/hangups.ts';

const ANSWERS: Callee = { ringAt: 20, answerAt: 80 };
/** The application that hangs the call up after its bridge; its number is the called number. */
const bridge = (number: string): readonly string[] => [
  'set hangup_after_bridge=true',
  `bridge sofia/gateway/gw/${number}`,
];

/** The facts of a leg's end. */
type Facts = Record<string, unknown>;

/** Calls that are transferred or picked up, on a real FreeSWITCH and on the simulator. */
describe.skipIf(!freeswitchFound())('calls that are moved, on the simulator and a real FreeSWITCH', () => {
  let real: RealCaseNode;
  let simulated: SimulatedCaseNode;
  let agent: ScriptedAgent;
  let events: Client;
  let hangups: Hangups;
  let version: string;

  beforeAll(async () => {
    [real, simulated] = await Promise.all([realCaseNode(), simulatedCaseNode()]);
    agent = await scriptedAgent(async (call) => bridge(await call.getvar('cti_bridge')));
    events = await Client.logIn(simulated.eventSocket.port, 'event json CHANNEL_PROGRESS CHANNEL_BRIDGE');
    hangups = await hangupsOf(simulated.node);
    version = await real.api('version');
  });
  afterAll(async () => {
    events?.socket.destroy();
    agent?.close();
    await Promise.all([real?.stop(), simulated?.stop()]);
  });

  const script = (caller: string, number: string, callee: Callee): CallScript => ({
    caller: { number: caller, name: `phone ${caller}` },
    destination: '0555',
    ctiBridge: number,
    socket: agent.at,
    fallback: 'sofia/gateway/gw/999',
    callees: { [number]: callee },
  });

  const simulate = (caller: string, number: string, callee: Callee) =>
    simulated.node.call({
      caller: { number: caller, name: `phone ${caller}` },
      destination: '0555',
      dialplan: bridge(number),
      callee: () => callee,
    });

  const realFacts = (event: object | undefined): Facts =>
    factsOf(new Map(Object.entries(event ?? {})), version);
  const simulatedFacts = async (uuid: string): Promise<Facts> =>
    factsOf(new Map(Object.entries(await hangups.of(uuid))), version);

  /** Without the application: the real dialplan runs `set` and `socket` before. */
  const comparable = (facts: Facts): Facts =>
    Object.fromEntries(
      Object.entries(facts)
        .filter(([name]) => !/^variable_(last_(app|arg)|current_application|bridge_hangup_cause)$/.test(name))
        .map(([name, value]) => [name, String(value).replace(/^pickup-.*/, 'pickup')]),
    );

  const simulatedBridge = async (uuid: string): Promise<string> => {
    const found = () => events.events.find((event) => event.get('Bridge-A-Unique-ID') === uuid);
    await events.until(() => found() !== undefined);
    return String(found()?.get('Bridge-B-Unique-ID'));
  };

  test.each(['called', 'caller'] as const)('an attended transfer by the %s party', async (by) => {
    const [number, other] = by === 'called' ? ['1', '1'] : ['100', '1'];
    const target: Callee = { ...ANSWERS, hangsUpAt: 4000 };

    const first = real.place(script('100', '1', ANSWERS));
    await first.talking;
    const second = real.place(script(number, '2', target));
    await second.talking;
    const transferor = by === 'called' ? await first.callee(other) : first.caller;
    transferor.refer('2', second.caller);
    const [one, two] = await Promise.all([first.ended, second.ended]);

    const simulatedFirst = simulate('100', '1', ANSWERS);
    const calledLeg = await simulatedBridge(simulatedFirst.uuid);
    const simulatedSecond = simulate(number, '2', target);
    const targetLeg = await simulatedBridge(simulatedSecond.uuid);
    const moving = by === 'called' ? calledLeg : simulatedFirst.uuid;
    simulated.node.phone(moving)?.refer(`<sip:2@127.0.0.1?Replaces=${simulatedSecond.uuid}>`, undefined);
    await Promise.all([simulatedFirst.ended, simulatedSecond.ended]);

    const facts = async (uuid: string): Promise<Facts> => comparable(await simulatedFacts(uuid));
    expect({
      caller: await facts(simulatedFirst.uuid),
      called: await facts(calledLeg),
      consultation: await facts(simulatedSecond.uuid),
      target: await facts(targetLeg),
    }).toEqual({
      caller: comparable(realFacts(one.hangup)),
      called: comparable(realFacts(one.calledHangups[0])),
      consultation: comparable(realFacts(two.hangup)),
      target: comparable(realFacts(two.calledHangups[0])),
    });
  });

  test('a pickup of a ringing call by intercept', async () => {
    const rings: Callee = { ringAt: 20 };
    const call = real.place(script('100', '1', rings));
    await expect
      .poll(() => call.events.some((event) => event['Event-Name'] === 'CHANNEL_PROGRESS'))
      .toBe(true);
    const picker = real.place({
      ...script('300', '9', ANSWERS),
      destination: `pickup-${call.uuid}`,
      byeAt: 1000,
    });
    const [one, two] = await Promise.all([call.ended, picker.ended]);

    const simulatedCall = simulate('100', '1', rings);
    const leg = () => events.events.find((event) => event.get('Other-Leg-Unique-ID') === simulatedCall.uuid);
    await events.until(() => leg() !== undefined);
    const simulatedPicker = simulated.node.call({
      caller: { number: '300', name: 'phone 300' },
      destination: `pickup-${simulatedCall.uuid}`,
      dialplan: [`intercept ${simulatedCall.uuid}`],
      byeAt: 1000,
    });
    await Promise.all([simulatedCall.ended, simulatedPicker.ended]);

    const facts = async (uuid: string): Promise<Facts> => comparable(await simulatedFacts(uuid));
    expect({
      caller: await facts(simulatedCall.uuid),
      called: await facts(String(leg()?.get('Unique-ID'))),
      picker: await facts(simulatedPicker.uuid),
    }).toEqual({
      caller: comparable(realFacts(one.hangup)),
      called: comparable(realFacts(one.calledHangups[0])),
      picker: comparable(realFacts(two.hangup)),
    });
  });

  test('a call that sofia recover brings back after a crash', async () => {
    const tracked = await realCaseNode({ trackCalls: true });
    try {
      const call = tracked.place(script('100', '1', ANSWERS));
      await call.talking;
      const party = await call.callee('1');
      // FreeSWITCH writes its table of calls once a second.
      await sleep(1500);
      await tracked.kill();
      await tracked.start();
      expect(await tracked.api('sofia recover')).toContain('Recovered 2 call(s)');
      const bridges = () => call.events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE');
      await expect.poll(() => bridges().length, { timeout: 10_000 }).toBe(2);
      party.bye();
      const outcome = await call.ended;

      const crashing = await simulatedCaseNode();
      const watching = await Client.logIn(crashing.eventSocket.port, 'event json CHANNEL_BRIDGE');
      const simulatedCall = crashing.node.call({
        caller: { number: '100', name: 'phone 100' },
        destination: '0555',
        dialplan: bridge('1'),
        callee: () => ANSWERS,
      });
      await watching.until(() => watching.events.length === 1);
      const leg = String(watching.events[0]?.get('Bridge-B-Unique-ID'));
      await crashing.node.restart();
      const ends = await hangupsOf(crashing.node);
      crashing.node.recover();
      crashing.node.phone(leg)?.bye();
      const facts = async (uuid: string): Promise<Facts> =>
        comparable(factsOf(new Map(Object.entries(await ends.of(uuid))), version));
      expect({ caller: await facts(simulatedCall.uuid), called: await facts(leg) }).toEqual({
        caller: comparable(realFacts(outcome.hangup)),
        called: comparable(realFacts(outcome.calledHangups[0])),
      });
      await crashing.stop();
    } finally {
      await tracked.stop();
    }
  });
});
