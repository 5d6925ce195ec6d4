import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatArguments, parseArguments } from '#libs/contract/arguments.ts';
import { Decision } from '#libs/contract/decision.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { calledVariables, dialApplications, hangupApplications } from '#libs/dialplan/applications.ts';
import { groupVariables, legVariables, telVariables } from '#libs/dialplan/leg-variables.ts';
import { PlanError, planOf } from '#libs/dialplan/plan.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { type Command, commandHeader } from '#libs/simulator/event-socket/command-reader.ts';
import { parseDialString } from '#libs/simulator/originate/dial-string.ts';
import { dialOf } from '#test/support/dialplan/dial.ts';
import { applicationsOf, commandsOf, exportsOf } from '#test/support/dialplan/freeswitch.ts';
import { channelData, OK, Peer } from '#test/support/esl/peer.ts';

/** For any answer of an endpoint, FreeSWITCH must read exactly the plan, by its own parsing rules. */

let server: OutboundServer;
let peer: Peer;
let call: OutboundCall;

beforeAll(async () => {
  const { promise: accepted, resolve } = Promise.withResolvers<OutboundCall>();
  server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    onCall: (one) => {
      resolve(one);
      return new Promise((over) => one.gone.addEventListener('abort', () => over()));
    },
    onRefused: () => {},
    onError: () => {},
  });
  peer = await Peer.dial(server.port);
  await peer.answer(channelData({}));
  call = await accepted;
});
afterAll(async () => {
  peer.end();
  await server.close();
});

/** Releases a call with the applications and returns the commands that FreeSWITCH received. */
async function written(applications: readonly { name: string; data: string }[]): Promise<Command[]> {
  const before = peer.commands.length;
  const sent = call.runAndRelease(applications);
  for (let command = ''; command !== 'exit'; ) [command = ''] = await peer.answer(OK);
  await sent;
  expect(peer.unfinished).toBe('');
  return commandsOf(...peer.commands.slice(before));
}

/** The applications that FreeSWITCH runs. Settings come first, each in a command of its own; then one extension and the end. */
function releasedWith(commands: readonly Command[]) {
  const kinds = commands.map((command) => commandHeader(command, 'call-command') ?? command.line);
  expect(kinds).toEqual([...kinds.slice(0, -2).map(() => 'execute'), 'xferext', 'exit']);
  return commands.flatMap(applicationsOf);
}

const HOSTILE = [
  ...['\n', '\r', '\0', '\n\n', '\napplication: system reboot', '\n\nexit\n\n', ': ', '\u2028', '\u0085'],
  ...[
    '${system(reboot)}',
    '$${x}',
    '$',
    '{',
    '}',
    '[',
    ']',
    '<',
    '>',
    '^^',
    ';',
    ',',
    '|',
    ':_:',
    '=',
    "\\'",
  ],
  ...[
    "'",
    '"',
    '\\',
    '%0a',
    '%',
    ' ',
    '\t',
    'ARRAY::a|:b',
    'nolocal:',
    '~',
    '张三',
    "O'Brien",
    '100%',
    '@',
    '/',
  ],
];
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b1', '123456', 'gw', 'x y', '.', '-', '_') },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const plain = (characters: string, maxLength = 12) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength });
const mostly = (good: fc.Arbitrary<string>) => fc.oneof({ weight: 9, arbitrary: good }, text);

const number = mostly(plain('0123456789*#+_.-'));
const name = mostly(plain('abcdefgh0123_'));
const value = fc.oneof(text, fc.integer(), fc.boolean());
const bracketed = fc
  .array(fc.tuple(mostly(plain('abcxyz_')), text), { minLength: 1, maxLength: 3 })
  .map((pairs) => pairs.map(([key, one]) => `${key}=${one}`).join(','));
const leg = fc
  .tuple(fc.option(bracketed, { nil: undefined, freq: 4 }), fc.constantFrom('gw', 'gw2'), number)
  .map(
    ([variables, gateway, to]) =>
      `${variables === undefined ? '' : `[${variables}]`}sofia/gateway/${gateway}/${to}`,
  );
const dialString = fc
  .tuple(
    fc.option(bracketed, { nil: undefined, freq: 3 }),
    fc.array(leg, { minLength: 1, maxLength: 4 }),
    fc.constantFrom(',', '|'),
  )
  .map(
    ([variables, legs, separator]) =>
      `${variables === undefined ? '' : `{${variables}}`}${legs.join(separator)}`,
  );
const target = fc.oneof(
  fc.record({ type: fc.constant('gateway'), number, gateway: name }),
  fc.record({ type: fc.constant('ip'), number, ip: mostly(fc.ipV4()), sofia: name }),
  fc.record({ type: fc.constant('dialstring'), dialstring: dialString }),
);
const decision = fc.record({
  variables: fc.dictionary(mostly(plain('abcdefghijk_')), value, { maxKeys: 4 }),
  dial: fc.oneof(
    target,
    fc.array(target, { minLength: 1, maxLength: 3 }),
    fc.record({ type: fc.constant('hangup'), cause: fc.oneof(fc.constantFrom(16, 17, 'USER_BUSY'), text) }),
  ),
  strategy: fc.constantFrom('sequential', 'simultaneous'),
});

/** The plan for an answer, or undefined when it is refused. */
function planned(answer: unknown): Plan | undefined {
  const read = Decision.safeParse(answer);
  if (!read.success) return undefined;
  try {
    return planOf(read.data);
  } catch (error) {
    if (error instanceof PlanError) return undefined;
    throw error;
  }
}

const parsed = parseArguments('http://crm/b?n=1 10 20 1');
if (!parsed.ok) throw new Error(parsed.error);
const { endpoint } = parsed;

/** FreeSWITCH does not distinguish an empty value from a missing one. */
const kept = (variables: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(variables).filter(([, one]) => one !== ''));

/** The groups as FreeSWITCH will dial them. */
const dialled = (applications: readonly { name: string; data: string }[]) =>
  applications
    .filter(({ name: application }) => application === 'bridge')
    .map(({ data }) => {
      const read = parseDialString(data);
      return {
        variables: kept(Object.fromEntries(read?.variables ?? [])),
        groups: read?.groups.map((legs) =>
          legs.map((one) => ({
            endpoint: `${one.endpoint}/${one.data}`,
            variables: kept(Object.fromEntries(one.variables)),
          })),
        ),
      };
    });

describe('any answer of an endpoint', () => {
  it('is refused, or FreeSWITCH reads exactly its plan', async () => {
    let [placed, hungUp, refused] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(decision, async (answer) => {
        const plan = planned(answer);
        if (plan === undefined) {
          refused++;
          return;
        }
        if ('hangup' in plan) {
          hungUp++;
          const commands = await written(hangupApplications(plan.hangup, { result: 'decided' }, 1));
          const cause = 'cause' in plan.hangup ? plan.hangup.cause : '';
          expect(releasedWith(commands).at(-1)).toEqual({ name: 'hangup', data: cause });
          return;
        }
        if ('collect' in plan) throw new Error('no answer here collects');
        placed++;
        const groups = plan.groups.map((group) => ({
          variables: group.variables,
          legs: group.legs.flatMap((one) => ('endpoint' in one ? [one] : [])),
        }));
        const dial = dialOf(groups, { plan, exported: { cti_bridge: formatArguments(endpoint) } });
        const meant = dialApplications(dial);
        const read = releasedWith(await written(meant));
        expect(read).toEqual(meant);
        const called = calledVariables(dial);
        const shared = (variables: object) => ({ ...variables, ...called });
        const exports = Object.fromEntries(exportsOf(read));
        expect(dialled(read).map((one) => ({ ...one, variables: { ...exports, ...one.variables } }))).toEqual(
          groups.map((group) => ({
            variables: kept({ ...shared(groupVariables(group.legs)), ...group.variables }),
            groups: [
              group.legs.map((one) => ({
                endpoint: one.endpoint,
                variables: kept({ ...one.variables, ...legVariables(one), ...telVariables(one) }),
              })),
            ],
          })),
        );
        const expanded = read.slice(
          read.findIndex(({ data }) => data.includes('app_disable_expand_variables=false')),
        );
        for (const { data } of expanded.slice(0, -2))
          expect(data.replaceAll('${bridge_export_vars}', '')).not.toMatch(/\$\$?\\*\{|:_:/);
        expect(expanded.map((one) => one.name)).not.toContain('export');
      }),
      { numRuns: 400 },
    );
    expect(Math.min(placed, hungUp, refused)).toBeGreaterThan(5);
  });
});

describe('any text', () => {
  it('is refused, or adds no line to a message', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, text, async (setting, application, data) => {
        const before = peer.commands.length;
        const applications = [
          { name: 'set', data: setting },
          { name: `hangup${application}`, data },
        ];
        const unsafe = /[\r\n\0]/.test(setting + application + data);
        if (unsafe) {
          await expect(call.runAndRelease(applications)).rejects.toThrow('contains a line end or NUL');
          await written([]);
          expect(peer.commands.length).toBe(before + 2);
          return;
        }
        const [set, extension, ...others] = await written(applications);
        expect(set?.body).toBe(setting);
        expect(set?.headers).toEqual([
          ['call-command', 'execute'],
          ['execute-app-name', 'set'],
          ['content-type', 'text/plain'],
          ...(setting === '' ? [] : [['content-length', String(Buffer.byteLength(setting))]]),
        ]);
        expect(extension?.headers).toEqual([
          ['call-command', 'xferext'],
          ['application', `hangup${application}${data === '' ? '' : ` ${data}`}`],
        ]);
        expect(others.map(({ line }) => line)).toEqual(['exit']);
      }),
      { numRuns: 200 },
    );
  });
});
