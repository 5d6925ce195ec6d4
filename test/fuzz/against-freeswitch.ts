import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { Decision, type Variables } from '#libs/contract/decision.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { dialApplications, hangupApplications, tagCall } from '#libs/dialplan/applications.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { PlanError, planOf } from '#libs/dialplan/plan.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { entryOf } from '#services/agent/call/entry.ts';
import { callerFacts } from '#services/agent/call/identity.ts';
import { readCtiBridge } from '#services/agent/cti-bridge.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { lookUpUsers } from '#services/agent/registrations.ts';
import { dialOf } from '#test/support/dialplan/dial.ts';
import { type RealCaseNode, type RealOutcome, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import type { Event } from '#test/support/freeswitch/event-socket.ts';
import { type Arbitraries, arbitraries } from './arbitraries.ts';
import { CANARY } from './property.ts';

/** Simultaneous calls: what two cores handle besides the fuzzer. */
const AT_ONCE = 16;

interface Case {
  readonly plan: Exclude<Plan, { collect: unknown }>;
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  readonly words: string;
}

/** Decisions with existing targets and harmless variables, so that every one leads to called legs. */
function decisions({ text, mostly }: Arbitraries): fc.Arbitrary<unknown> {
  const name = fc
    .string({ unit: fc.constantFrom(...'abcXY_'), minLength: 1, maxLength: 6 })
    .map((one) => `zz_${one}`);
  const value = fc.oneof(text, fc.constantFrom('PCMA,PCMU', 'a b', "O'Brien", '$1', '100%'));
  const number = mostly(fc.string({ unit: fc.constantFrom(...'0123456789+-'), minLength: 1, maxLength: 10 }));
  const entries = fc
    .tuple(
      fc.array(fc.tuple(mostly(name), value), { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', '^^;', '^^:'),
    )
    .map(([pairs, mark]) => mark + pairs.map(([key, one]) => `${key}=${one}`).join(mark.charAt(2) || ','));
  const maybe = (open: string, close: string) =>
    fc
      .option(entries, { nil: undefined })
      .map((inside) => (inside === undefined ? '' : open + inside + close));
  const leg = fc
    .tuple(maybe('[', ']'), fc.constantFrom('gateway/gw', 'gateway/gw2'), number)
    .map(([own, gateway, to]) => `${own}sofia/${gateway}/${to}`);
  const dialstring = fc
    .tuple(
      maybe('{', '}'),
      fc.array(fc.tuple(leg, fc.constantFrom(',', '|')), { minLength: 1, maxLength: 3 }),
    )
    .map(([all, legs]) => all + legs.map(([one, bar], at) => (at > 0 ? bar : '') + one).join(''));
  const target = fc.oneof(
    fc.record({ type: fc.constant('gateway'), number, gateway: fc.constantFrom('gw', 'gw2') }),
    fc.record({ type: fc.constant('ip'), number, ip: fc.constantFrom('10.0.0.9', '10.0.0.9:5060') }),
    fc.record({
      type: fc.constant('user'),
      number,
      user: fc.constantFrom('1000', '2000'),
      domain: fc.constant('127.0.0.1'),
    }),
    fc.record({ type: fc.constant('dialstring'), dialstring }),
  );
  return fc.record({
    variables: fc.dictionary(mostly(name), value, { maxKeys: 4 }),
    dial: fc.oneof(target, fc.array(target, { minLength: 1, maxLength: 3 })),
    strategy: fc.constantFrom('sequential', 'simultaneous'),
  });
}

function planned(answer: unknown): Plan | undefined {
  const decision = Decision.safeParse(answer);
  if (!decision.success) return undefined;
  try {
    return planOf(decision.data);
  } catch (error) {
    if (error instanceof PlanError) return undefined;
    throw error;
  }
}

/** Text that can be part of a From header or a request URI. */
const inSip = (one: string): string =>
  one
    .replaceAll(/[\r\n\0]/g, ' ')
    .slice(0, 200)
    .toWellFormed();

function* cases(seed: number): Generator<Case> {
  const given = arbitraries(CANARY);
  const all = fc.tuple(decisions(given), given.text, given.text, given.text, given.text);
  for (let more = 0; ; more++)
    for (const [answer, name, number, destination, words] of fc.sample(all, {
      numRuns: 200,
      seed: seed + more,
    })) {
      const plan = planned(answer);
      if (plan === undefined || 'collect' in plan) continue;
      // FreeSWITCH cannot write the From of its INVITE for a number with a colon, and waits until the call times out.
      const caller = { name: inSip(name), number: inSip(number).replaceAll(/[:\ufeff]/g, '-') || '1' };
      yield { plan, caller, destination: inSip(destination) || '0555', words };
    }
}

const lowerCased = (leg: Event): Map<string, unknown> =>
  new Map(Object.entries(leg).map(([name, value]) => [name.toLowerCase(), value]));

/** Compares FreeSWITCH's called legs with the plan. Returns undefined if they match. */
function wrong(
  meant: readonly DialableGroup[],
  exported: Variables,
  legs: readonly Event[],
): string | undefined {
  const wanted = meant.flatMap((group) =>
    group.legs.map((leg) => ({
      ...nonEmpty(leg.variables),
      ...nonEmpty(exported),
      ...nonEmpty(group.variables),
    })),
  );
  if (legs.length !== wanted.length) return `${legs.length} called legs instead of ${wanted.length}`;
  const found = legs.map(lowerCased);
  // Match the leg with most variables first: it may also match a leg with fewer.
  for (const variables of wanted.toSorted((a, b) => Object.keys(b).length - Object.keys(a).length)) {
    const names = Object.keys(variables);
    const fits = found.findIndex((leg) =>
      names.every((name) => leg.get(`variable_${name}`) === variables[name]),
    );
    if (fits < 0) return `no called leg has ${JSON.stringify(variables)}`;
    found.splice(fits, 1);
  }
  return undefined;
}

const nonEmpty = (variables: Readonly<Record<string, string>>): Record<string, string> => {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) if (value !== '') kept[name.toLowerCase()] = value;
  return kept;
};

/** Places calls with random decisions and hostile callers. Returns whether all matched their plans. */
export async function fuzzFreeSwitch(calls: number, seed: number): Promise<boolean> {
  console.log(`seed ${seed}: ${calls} calls on a real FreeSWITCH`);
  const freeswitch = await realCaseNode();
  const running = new Map<number, { given: Case; meant: readonly DialableGroup[] }>();
  const errors: Error[] = [];
  const server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    tag: (data) => tagCall(data['Unique-ID'] ?? '', {}),
    onRefused: (_, why) => {
      throw new Error(why);
    },
    onError: (error) => errors.push(error),
    onCall: async (call) => {
      const index = Number(/^http:\/\/case\/(\d+) /.exec((await readCtiBridge(call)).text)?.[1]);
      const one = running.get(index);
      if (!one) throw new Error(`a call of no case: ${call.data['variable_cti_bridge']}`);
      const entry = entryOf(call.data);
      if (entry.kind !== 'request') throw new Error(`entered as ${entry.kind}`);
      endpointRequest(call.data, 'fs', ['sip_h_X-*'], entry);
      const { plan, words } = one.given;
      if ('hangup' in plan)
        return call.runAndRelease(hangupApplications(plan.hangup, { result: 'decided' }, 1));
      const { groups } = await lookUpUsers(call, plan, undefined);
      one.meant = groups;
      const outcome = { result: 'decided', error: words } as const;
      const caller = callerFacts(call.data);
      return call.runAndRelease(dialApplications(dialOf(groups, { plan, caller, outcome })));
    },
  });
  const finds: string[] = [];
  let placed = 0;
  let legs = 0;
  const started = performance.now();
  const given = cases(seed);
  const work = async () => {
    while (placed < calls) {
      const index = placed++;
      const { value } = given.next() as { value: Case };
      const one = { given: value, meant: [] as readonly DialableGroup[] };
      running.set(index, one);
      const { outcome, error } = await place(freeswitch, server.port, index, value);
      legs += outcome?.calledHangups.length ?? 0;
      const exported = 'hangup' in value.plan ? {} : value.plan.variables;
      const find = error ?? wrong(one.meant, exported, outcome?.calledHangups ?? []);
      if (find !== undefined) finds.push(`${find}: ${JSON.stringify(value)}`);
      if (existsSync(CANARY)) finds.push(`the canary ran at or before: ${JSON.stringify(value)}`);
      running.delete(index);
      if (finds.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const error of errors) finds.push(error.message);
  await server.close();
  await freeswitch.stop();
  for (const find of finds) console.log(`\nfind: ${find}`);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${placed} calls, ${legs} called legs, ${finds.length} finds, ${seconds} s`);
  return finds.length === 0;
}

async function place(
  freeswitch: RealCaseNode,
  port: number,
  index: number,
  { caller, destination }: Case,
): Promise<{ outcome?: RealOutcome; error?: string }> {
  try {
    const outcome = await freeswitch.call({
      caller,
      destination,
      ctiBridge: `http://case/${index} 3000 3000 1`,
      socket: `127.0.0.1:${port}`,
      fallback: 'error/CALL_REJECTED',
      callees: {},
    });
    return { outcome };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
