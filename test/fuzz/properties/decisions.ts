import fc from 'fast-check';
import { readInstruction } from '#libs/bus/message.ts';
import { formatArguments, parseArguments } from '#libs/contract/arguments.ts';
import type { Collect } from '#libs/contract/collect.ts';
import { BUS, DecisionReply } from '#libs/contract/messages.ts';
import { DialEndpoint, Plan } from '#libs/contract/plan.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { acceptanceOf } from '#libs/dialplan/acceptance.ts';
import type { FailurePolicy } from '#libs/dialplan/after-failure.ts';
import { replyOfText } from '#libs/dialplan/answer.ts';
import { collectionApplications, dialApplications, hangupApplications } from '#libs/dialplan/applications.ts';
import { readDigitsApplications } from '#libs/dialplan/collect.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { DialStringError, parseDialString } from '#libs/dialplan/dial-string.ts';
import { durationLimitOf } from '#libs/dialplan/duration.ts';
import { type Outcome, outcomeVariables } from '#libs/dialplan/outcome.ts';
import { recordingOf } from '#libs/dialplan/recording.ts';
import { type ReportingSettings, reportingSettings } from '#libs/dialplan/reporting.ts';
import { admitLegs, type LimitSettings, wantsOf } from '#services/agent/limits/wanted-places.ts';
import { recordings } from '#services/agent/recordings.ts';
import { CALLER, dialOf, POLICY } from '#test/support/dialplan/dial.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { BRIDGE_CAUSE, Channel } from '../freeswitch-model.ts';
import { countExecuted, only, same, sorted, timed } from '../property.ts';
import { bytesOf } from '../wire.ts';
import { expectedBridges, resolveUsers } from './bridges.ts';

/** Every gateway has a limit, and some have reached it. */
const LIMITS: LimitSettings = new Map([['gw:*', { max: 1 }]]);
const LIMITED = { uuid: 'u', node: 'n', attempt: 1 };

const nameRecording = recordings().parse('/rec/{node}/{caller}-{destination}/{id}.wav');

const SOCKET = '10.0.0.5:8084|[::1]:8084';
const POLICIES: readonly FailurePolicy[] = [
  POLICY,
  { ...POLICY, finalCauses: ['USER_BUSY', 'DECLINE'], socket: SOCKET },
  { ...POLICY, finalCauses: ['sip:603'], socket: SOCKET },
  { ...POLICY, requestAgain: true, socket: SOCKET },
  { ...POLICY, onRedirect: 'request', socket: SOCKET },
];

/** What FreeSWITCH runs besides bridges: the agent is entered again after failed targets. */
function enteredAgain(targets: number, { socket, requestAgain, onRedirect, finalCauses }: FailurePolicy) {
  const isAtEnd = socket !== undefined && (requestAgain || onRedirect === 'request');
  const isBetween = socket !== undefined && (onRedirect === 'request' || finalCauses.includes('sip:603'));
  const times = (isBetween ? targets - 1 : 0) + (isAtEnd ? 1 : 0);
  return [...Array.from({ length: times }, () => `socket ${socket}`), `hangup ${BRIDGE_CAUSE}`, 'exit'];
}

const collectionOf = (collect: Collect, outcome: Outcome, reporting: ReportingSettings) =>
  collectionApplications({
    applications: readDigitsApplications(collect, () => 'tone_stream://%(500,0,440)', SOCKET),
    ...{ outcome, reporting, attempt: 1, settings: {}, undo: '' },
  });

export const decisions = ({ decision, contacts, ctiBridge, text }: Arbitraries) =>
  fc.property(
    decision,
    contacts,
    ctiBridge,
    text,
    fc.constantFrom(...POLICIES),
    fc.array(fc.boolean(), { maxLength: 6 }),
    timed((answer, registered, bridge, words, policy, full) => {
      const reply = replyOfText(JSON.stringify(answer) ?? '');
      const crossed = readInstruction(DecisionReply, BUS.decide, Buffer.from(JSON.stringify(reply)));
      same('the reply on the bus', crossed, reply);
      if (crossed.result !== 'decided') return;
      const { plan } = crossed;
      const outcome: Outcome = { result: 'decided', error: words };
      const channel = new Channel();
      if ('hangup' in plan) {
        const { bytes, refused } = bytesOf((call) =>
          call.runAndRelease(hangupApplications(plan.hangup, outcome, 1)),
        );
        same('refused', refused, undefined);
        channel.receive(bytes);
        const expected =
          'cause' in plan.hangup
            ? [`hangup ${plan.hangup.cause}`]
            : [`respond ${plan.hangup.sipcode}`, 'hangup'];
        same('executed applications', channel.ran, [...expected, 'exit']);
        same('dialled legs', channel.bridges, []);
        countExecuted();
        return;
      }
      if ('collect' in plan) {
        const { bytes, refused } = bytesOf((call) =>
          call.runAndRelease(
            collectionOf(
              plan.collect,
              outcome,
              reportingSettings(plan, () => ''),
            ),
          ),
        );
        same('refused', refused, undefined);
        channel.receive(bytes);
        same('executed applications', channel.ran.slice(3), [
          `socket ${SOCKET}`,
          'hangup NORMAL_TEMPORARY_FAILURE',
          'exit',
        ]);
        same(
          'what reads the digits',
          /^read \d+ \d+ \S+ dialhook_digits \d+ \S+ \d+$/.test(channel.ran[2] ?? ''),
          true,
        );
        same('expanded variables', channel.expanded, []);
        same('the result', channel.variables.get('dialhook_result'), 'decided');
        countExecuted();
        return;
      }
      const resolved = resolveUsers(plan, registered);
      if (resolved.length === 0) return;
      const wants = wantsOf(resolved, plan.limit, LIMITED, LIMITS);
      const isFull = wants.gateways.filter((_, at) => full[at] === true);
      const { groups } = admitLegs(resolved, wants, (want) =>
        want && isFull.includes(want) ? want.limit : undefined,
      );
      const parsed = parseArguments(bridge);
      const exported = parsed.ok ? { cti_bridge: formatArguments(parsed.endpoint) } : {};
      const caller = { ...CALLER, name: words, dialled: words };
      const dial = dialOf(groups, {
        plan,
        exported,
        outcome,
        policy,
        caller,
        reporting: reportingSettings(plan, () => ''),
        duration: durationLimitOf(plan, () => 'tone_stream://%(500,0,440)'),
        acceptance: acceptanceOf(plan, () => 'tone_stream://%(500,0,440)'),
        recording: recordingOf(
          plan,
          (leg) => nameRecording({ uuid: 'u', node: words, caller, at: 0 }, leg),
          () => 'tone_stream://%(500,0,440)',
        ),
        ringback: plan.ringback === undefined ? undefined : '%(2000,4000,440,480)',
      });
      const { bytes, refused } = bytesOf((call) => call.runAndRelease(dialApplications(dial)));
      same('refused', refused, undefined);
      channel.receive(bytes);
      same(
        'dialled legs',
        channel.bridges.map((bridged) => bridged.map(sorted)),
        expectedBridges(dial),
      );
      same('executed applications', channel.ran, enteredAgain(groups.length, policy));
      same('expanded variables', channel.expanded, []);
      same('the result', channel.variables.get('dialhook_result'), 'decided');
      countExecuted();
    }),
  );

const may = variablePolicy();

/** Router and agent must apply the same rules: a plan that the router accepts is valid for the agent. */
export const plans = ({ decision }: Arbitraries) =>
  fc.property(
    decision,
    timed((answer) => {
      const reply = replyOfText(JSON.stringify(answer) ?? '');
      if (reply.result !== 'decided') return;
      same('the plan', Plan.parse(reply.plan), reply.plan);
      countExecuted();
      if (!('groups' in reply.plan)) return;
      const sets = reply.plan.groups.flatMap(({ variables, legs }) => [
        variables,
        ...legs.map((leg) => leg.variables),
      ]);
      const names = [reply.plan.variables, ...sets].flatMap((variables) => Object.keys(variables));
      same(
        'refused variables',
        names.filter((name) => !may(name)),
        [],
      );
    }),
  );

export const dialStrings = ({ dialString }: Arbitraries) =>
  fc.property(
    dialString,
    fc.boolean(),
    timed((written, sequential) => {
      const groups = only([DialStringError], () => parseDialString(written, sequential));
      if (groups) countExecuted();
      for (const { legs } of groups ?? [])
        for (const leg of legs)
          if (!('endpoint' in leg) || !DialEndpoint.safeParse(leg.endpoint).success)
            throw new Error(`not a dial endpoint: ${JSON.stringify(leg)}`);
    }),
  );

export const callerData = ({ text, ctiBridge, contacts }: Arbitraries) =>
  fc.property(
    ctiBridge,
    text,
    contacts,
    fc.constantFrom('invalid_decision', 'user_not_registered', 'internal_error'),
    timed((bridge, words, registered, result) => {
      const parsed = parseArguments(bridge);
      const outcome: Outcome = { result: result as Outcome['result'], error: words };
      const variables = outcomeVariables(outcome);
      const called = parsed.ok ? { cti_bridge: formatArguments(parsed.endpoint) } : {};
      if (parsed.ok)
        same('arguments after a round trip', parseArguments(formatArguments(parsed.endpoint)), parsed);
      const { bytes, refused } = bytesOf((call) => call.setAndRelease(variables, called));
      same('refused', refused, undefined);
      const channel = new Channel();
      channel.receive(bytes);
      same('expanded variables', channel.expanded, []);
      same('executed applications', channel.ran, ['exit']);
      same('the result', channel.variables.get('dialhook_result'), result);
      const wellFormed = Buffer.from(variables['dialhook_error'] ?? '').toString();
      countExecuted();
      same('dialhook_error', channel.variables.get('dialhook_error') ?? '', wellFormed);
      same('the arguments', channel.variables.get('nolocal:cti_bridge'), called.cti_bridge);
      for (const endpoint of endpointsOfContacts(registered, '123'))
        if (!DialEndpoint.safeParse(endpoint).success || !/\/(?:sips?:)?123@/.test(endpoint))
          throw new Error(`not a contact: ${endpoint}`);
    }),
  );
