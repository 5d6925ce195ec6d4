import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LifeNode, LifePlaced } from '#test/support/cases/life/node.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { type ScriptedAgent, scriptedAgent } from '#test/support/freeswitch/scripted-agent.ts';
import { simulatedLifeNode } from '#test/support/simulator/life-node.ts';
import {
  ANSWERS,
  CALLED,
  CALLER,
  SIP_COMPARISONS,
  type SipComparison,
} from '#test/support/simulator/sip-comparisons.ts';
import { shownTo } from '#test/support/simulator/sip-summary.ts';

describe.skipIf(!freeswitchFound())('the SIP messages of the simulator and a real FreeSWITCH', () => {
  let real: LifeNode;
  let simulated: LifeNode;
  let agent: ScriptedAgent;
  let applications: readonly string[] = [];

  beforeAll(async () => {
    [real, simulated] = await Promise.all([realCaseNode(), simulatedLifeNode()]);
    agent = await scriptedAgent(() => applications);
  });
  afterAll(async () => {
    agent?.close();
    await Promise.all([real?.stop(), simulated?.stop()]);
  });

  /** What each side of each call was sent. */
  async function play(node: LifeNode, comparison: SipComparison): Promise<unknown> {
    applications = comparison.applications;
    const calls: LifePlaced[] = [];
    const place: Parameters<NonNullable<SipComparison['run']>>[0] = (callees, more = {}) => {
      const call = node.place({
        caller: { number: CALLER, name: 'Alice' },
        destination: '95588',
        socket: agent.at,
        fallback: 'error/USER_BUSY',
        callees,
        ...(comparison.headers === undefined ? {} : { headers: comparison.headers }),
        ...more,
      });
      calls.push(call);
      return call;
    };
    if (comparison.run !== undefined) await comparison.run(place, node);
    else await place({ [CALLED]: comparison.callee ?? ANSWERS }, { byeAt: 300 }).ended;
    return calls.map(({ trace }) => ({ caller: shownTo(trace, 'caller'), called: shownTo(trace, 'called') }));
  }

  test.each(SIP_COMPARISONS)('$name', async (comparison) => {
    const expected = await play(real, comparison);
    expect(await play(simulated, comparison)).toEqual(expected);
  });
});
