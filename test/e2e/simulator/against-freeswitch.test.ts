import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { CallOutcome, CallScript } from '#test/support/cases/case-node.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import {
  type HandedOver,
  type ScriptedAgent,
  scriptedAgent,
} from '#test/support/freeswitch/scripted-agent.ts';
import { type SimulatedCaseNode, simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { Client, FakeAgent } from '#test/support/simulator/client.ts';
import {
  EXPANSIONS,
  INBOUND_COMMANDS,
  OUTBOUND_COMMANDS,
} from '#test/support/simulator/compared-commands.ts';
import { COMPARISONS, type Comparison } from '#test/support/simulator/comparisons.ts';
import { factsOf } from '#test/support/simulator/facts.ts';
import type { EventHeaders, Frame } from '#test/support/simulator/frames.ts';

describe.skipIf(!freeswitchFound())('the simulator and a real FreeSWITCH', () => {
  let real: RealCaseNode;
  let simulated: SimulatedCaseNode;
  let agent: ScriptedAgent;
  let hangups: Client;
  let version = '';
  const scripts = new Map<string, (call: HandedOver) => Promise<readonly string[]>>();

  beforeAll(async () => {
    [real, simulated] = await Promise.all([realCaseNode(), simulatedCaseNode()]);
    agent = await scriptedAgent(
      async (call) => (await scripts.get(await call.getvar('cti_bridge'))?.(call)) ?? [],
    );
    version = await real.api('version');
    hangups = await Client.logIn(simulated.eventSocket.port, 'event json CHANNEL_HANGUP_COMPLETE');
  });
  afterAll(async () => {
    hangups?.socket.destroy();
    agent?.close();
    await Promise.all([real?.stop(), simulated?.stop()]);
  });

  const scriptOf = ({ name, callees = {}, more = {} }: Partial<Comparison>): CallScript => ({
    caller: { number: '13800138000', name: "张三 O'Brien 100%" },
    destination: '0555',
    ctiBridge: name ?? '',
    socket: agent.at,
    fallback: 'sofia/gateway/gw/999',
    callees,
    ...more,
  });

  const calledFactsOf = (event: ReadonlyMap<string, unknown>): Record<string, unknown> => ({
    ...factsOf(event, version),
    variable_bridge_hangup_cause: undefined,
  });

  async function simulatedFacts({
    uuid,
    invites,
  }: CallRecord): Promise<{ caller: unknown; called: unknown[] }> {
    const legs = new Set(invites.map(({ leg }) => leg));
    const isEnd = (event: EventHeaders): boolean => event.get('Unique-ID') === uuid;
    const isCalledEnd = (event: EventHeaders): boolean =>
      legs.has(String(event.get('Unique-ID'))) || event.get('Other-Leg-Unique-ID') === uuid;
    await hangups.until(
      () => hangups.events.some(isEnd) && hangups.events.filter(isCalledEnd).length >= legs.size,
    );
    return {
      caller: hangups.events.filter(isEnd).map((event) => factsOf(event, version))[0],
      called: hangups.events.filter(isCalledEnd).map(calledFactsOf),
    };
  }

  const byCause = (called: readonly unknown[]): unknown[] =>
    called.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

  test.concurrent.each(COMPARISONS)('$name', async (scenario) => {
    scripts.set(scenario.name, async (call) => {
      if (scenario.again === undefined) return scenario.applications;
      if ((await call.getvar('entered')) === 'true') return scenario.again;
      await call.execute('export', 'entered=true');
      await call.execute('export', `cti_bridge=${scenario.name}`);
      return scenario.applications;
    });
    const script = scriptOf(scenario);
    const [inReality, inSimulation] = await Promise.all([real.call(script), simulated.call(script)]);
    // Simultaneous legs have a thread each: the order of their INVITEs varies.
    const atOnce = scenario.applications.some((application) => application.includes(',sofia/'));
    const common = ({ invites, status, reason }: CallOutcome): Partial<CallOutcome> => ({
      invites: atOnce ? invites.toSorted((one, other) => one.number.localeCompare(other.number)) : invites,
      status,
      reason,
    });
    const simulatedHangups = await simulatedFacts(inSimulation.record);
    const realFacts = {
      caller: factsOf(new Map(Object.entries(inReality.hangup)), version),
      called: inReality.calledHangups.map((event) => calledFactsOf(new Map(Object.entries(event)))),
    };
    expect(common(inSimulation)).toEqual(common(inReality));
    expect(simulatedHangups.caller).toEqual(realFacts.caller);
    expect(byCause(simulatedHangups.called)).toEqual(byCause(realFacts.called));
  });

  test('expand alike', async () => {
    const read: Record<string, string>[] = [];
    scripts.set('expand', async (call) => {
      const values: Record<string, string> = {};
      for (const [name, value] of [
        ['a', 'one'],
        ['name', 'a'],
        ['number', '0123456789'],
        ['han', '张三'],
        ['list', 'ARRAY::x|:y'],
      ]) {
        await call.execute('set', `${name}=${value}`);
      }
      await call.execute('export', `nested=<\\\${a}>`);
      for (const text of EXPANSIONS) {
        for (const application of ['set', 'export']) {
          await call.execute('unset', 'x');
          await call.execute(application, `x=${text}`);
          values[`${application} ${text}`] = await call.getvar('x');
        }
      }
      read.push(values);
      return ['hangup'];
    });
    await real.call(scriptOf({ name: 'expand' }));
    await simulated.call(scriptOf({ name: 'expand' }));
    expect(read[1]).toEqual(read[0]);
  });

  const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  const readable = ({ headers, body }: Frame): unknown => ({
    headers: [...headers].map(([name, value]) => [name, value.replace(UUID, 'UUID')]),
    body: body.replace(UUID, 'UUID'),
  });

  async function answersOf(client: Client, commands: readonly string[]): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const command of commands) answers.push([command, readable(await client.command(command))]);
    const before = client.frames.length;
    client.send('exit\n\n');
    await client.untilClosed();
    return [...answers, ...client.frames.slice(before).map(readable)];
  }

  test('answer the commands of a listener alike', async () => {
    const [inReality, inSimulation] = await Promise.all(
      [real, simulated].map(async ({ eventSocket }) => {
        const client = await Client.connect(eventSocket.port);
        await client.frame(0);
        await client.command(`auth ${eventSocket.password}`);
        return answersOf(client, INBOUND_COMMANDS);
      }),
    );
    expect(inSimulation).toEqual(inReality);
  });

  test('answer the commands of an agent alike', async () => {
    const [inReality, inSimulation] = await Promise.all(
      [real, simulated].map(async (one) => {
        const connected = Promise.withResolvers<Client>();
        const listening = await FakeAgent.listen((client) => connected.resolve(client));
        const call = one.call({ ...scriptOf({}), socket: `127.0.0.1:${listening.port}` });
        const client = await connected.promise;
        await client.command('connect');
        const answers = await answersOf(client, OUTBOUND_COMMANDS);
        await call;
        await listening.close();
        return answers;
      }),
    );
    expect(inSimulation).toEqual(inReality);
  });
});
