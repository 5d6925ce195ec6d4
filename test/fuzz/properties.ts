import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { MessageError, readMessage } from '#libs/bus/message.ts';
import { formatArguments, parseArguments } from '#libs/contract/arguments.ts';
import { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { EndpointRequest } from '#libs/contract/endpoint.ts';
import {
  Abandon,
  BUS,
  DecisionReply,
  DecisionRequest,
  LiveCall,
  ProgressEvent,
} from '#libs/contract/messages.ts';
import { DialEndpoint, type DialPlan, type Group, Plan } from '#libs/contract/plan.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';
import { replyOfText } from '#libs/dialplan/answer.ts';
import {
  type DialableGroup,
  dialApplications,
  type FailurePolicy,
  hangupApplications,
  type Outcome,
  outcomeVariables,
} from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { DialStringError, parseDialString } from '#libs/dialplan/dial-string.ts';
import { type Frame, FrameError, FrameParser } from '#libs/esl/frames.ts';
import { decodeHeader, decodeText, parseJson } from '#libs/esl/text.ts';
import { readEvent } from '#services/agent/call/notification.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { type Arbitraries, arbitraries } from './arbitraries.ts';
import { Channel, type Leg } from './freeswitch-model.ts';
import { bytesOf } from './wire.ts';

export interface Property {
  readonly name: string;
  readonly what: string;
  readonly check: (given: Arbitraries) => fc.IProperty<unknown>;
}

export const CANARY = '/tmp/dialhook-fuzz-canary';
/** The most work of one case, in milliseconds of the processor: what takes more can be made to take forever. */
const SLOW_MS = 2_000;

/** Cases that got past every check and were compared to the end. */
let carriedOut = 0;

function same(what: string, found: unknown, meant: unknown): void {
  if (isDeepStrictEqual(found, meant)) return;
  throw new Error(`${what}: FreeSWITCH has ${JSON.stringify(found)}, meant was ${JSON.stringify(meant)}`);
}

/** `throw new UnsafeValueError` and the like are answers; whatever else is thrown is a find. */
function only<T>(errors: readonly (new (...given: never[]) => Error)[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (errors.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

/** A predicate that is a find as well when it takes too long. */
const timed =
  <T extends unknown[]>(work: (...given: T) => void) =>
  (...given: T): void => {
    const before = process.cpuUsage();
    work(...given);
    const { user } = process.cpuUsage(before);
    const ms = user / 1000;
    if (ms > SLOW_MS) throw new Error(`took ${Math.round(ms)} ms`);
  };

/** Variables as FreeSWITCH keeps them: names in one case, the last one wins. */
function kept(
  into: Record<string, string>,
  variables: Readonly<Record<string, string>>,
  emptyClears: boolean,
) {
  for (const [name, value] of Object.entries(variables)) {
    if (value !== '') into[name.toLowerCase()] = value;
    else if (emptyClears) delete into[name.toLowerCase()];
  }
  return into;
}

const sorted = (legs: readonly Leg[]): readonly unknown[] =>
  legs.map(({ endpoint, variables }) => [
    endpoint,
    Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

/** The bridges that a plan means, written down without a dial string. */
const meantBridges = (groups: readonly DialableGroup[], exported: Readonly<Record<string, string>>) =>
  groups.map((group) => [
    sorted(
      group.legs.map((leg) => ({
        endpoint: leg.endpoint,
        variables: {
          ...kept({}, leg.variables, false),
          ...kept({}, exported, true),
          ...kept({}, group.variables, false),
        },
      })),
    ),
  ]);

const lookedUp = (plan: DialPlan, contacts: string): DialableGroup[] =>
  plan.groups
    .map((group: Group) => ({
      variables: group.variables,
      legs: group.legs.flatMap((leg) =>
        'endpoint' in leg
          ? [leg]
          : endpointsOfContacts(contacts, leg.number).map((endpoint) => ({
              endpoint,
              variables: leg.variables,
            })),
      ),
    }))
    .filter(({ legs }) => legs.length > 0);

const POLICIES: readonly FailurePolicy[] = [
  { finalCauses: [] },
  { finalCauses: ['USER_BUSY', 'DECLINE'] },
  { finalCauses: [], again: { socket: '10.0.0.5:8084|[::1]:8084', attempt: 2 } },
];
const ASK_AGAIN = '${originate_failed_cause}';

const decisions = ({ decision, contacts, ctiBridge, text }: Arbitraries) =>
  fc.property(
    decision,
    contacts,
    ctiBridge,
    text,
    fc.constantFrom(...POLICIES),
    timed((answer, registered, bridge, words, policy) => {
      const reply = replyOfText(JSON.stringify(answer) ?? '');
      const crossed = readMessage(DecisionReply, BUS.decide, Buffer.from(JSON.stringify(reply)));
      same('the reply on the bus', crossed, reply);
      if (crossed.result !== 'decided') return;
      const { plan } = crossed;
      const outcome: Outcome = { result: 'decided', error: words };
      const channel = new Channel();
      if ('hangup' in plan) {
        const { bytes, refused } = bytesOf((call) =>
          call.runAndRelease(hangupApplications(plan.hangup, outcome)),
        );
        same('refused', refused, undefined);
        channel.receive(bytes);
        const meant =
          'cause' in plan.hangup
            ? [`hangup ${plan.hangup.cause}`]
            : [`respond ${plan.hangup.sipcode}`, 'hangup'];
        same('what runs', channel.ran, [...meant, 'exit']);
        same('what is dialled', channel.bridges, []);
        carriedOut++;
        return;
      }
      const groups = lookedUp(plan, registered);
      if (groups.length === 0) return;
      const parsed = parseArguments(bridge);
      const exported = {
        ...(parsed.ok ? { cti_bridge: formatArguments(parsed.endpoint) } : {}),
        ...plan.variables,
      };
      const applications = dialApplications(groups, exported, outcome, policy);
      const { bytes, refused } = bytesOf((call) => call.runAndRelease(applications));
      same('refused', refused, undefined);
      channel.receive(bytes);
      same(
        'what is dialled',
        channel.bridges.map((bridged) => bridged.map(sorted)),
        meantBridges(groups, exported),
      );
      const last = policy.again ? [`socket ${policy.again.socket}`, `hangup ${ASK_AGAIN}`] : ['hangup'];
      same('what runs', channel.ran, [...last, 'exit']);
      same('what is expanded', channel.expanded, policy.again ? [ASK_AGAIN] : []);
      same('the result', channel.variables.get('dialhook_result'), 'decided');
      carriedOut++;
    }),
  );

const may = variablePolicy();

/** The rules a router keeps and an agent keeps once more must be the same: what one lets pass the other takes. */
const plans = ({ decision }: Arbitraries) =>
  fc.property(
    decision,
    timed((answer) => {
      const reply = replyOfText(JSON.stringify(answer) ?? '');
      if (reply.result !== 'decided') return;
      same('the plan', Plan.parse(reply.plan), reply.plan);
      carriedOut++;
      if ('hangup' in reply.plan) return;
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

const dialStrings = ({ dialString }: Arbitraries) =>
  fc.property(
    dialString,
    fc.boolean(),
    timed((written, sequential) => {
      const groups = only([DialStringError], () => parseDialString(written, sequential));
      if (groups) carriedOut++;
      for (const { legs } of groups ?? [])
        for (const leg of legs)
          if (!('endpoint' in leg) || !DialEndpoint.safeParse(leg.endpoint).success)
            throw new Error(`an endpoint that is none: ${JSON.stringify(leg)}`);
    }),
  );

const callerData = ({ text, ctiBridge, contacts }: Arbitraries) =>
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
        same('the arguments read again', parseArguments(formatArguments(parsed.endpoint)), parsed);
      const { bytes, refused } = bytesOf((call) => call.setAndRelease(variables, called));
      same('refused', refused, undefined);
      const channel = new Channel();
      channel.receive(bytes);
      same('what is expanded', channel.expanded, []);
      same('what runs', channel.ran, ['exit']);
      same('the result', channel.variables.get('dialhook_result'), result);
      const wellFormed = Buffer.from(variables['dialhook_error'] ?? '').toString();
      carriedOut++;
      same('the words', channel.variables.get('dialhook_error') ?? '', wellFormed);
      same('the arguments', channel.variables.get('nolocal:cti_bridge'), called.cti_bridge);
      for (const endpoint of endpointsOfContacts(registered, '123'))
        if (!DialEndpoint.safeParse(endpoint).success || !/\/(?:sips?:)?123@/.test(endpoint))
          throw new Error(`a contact that is none: ${endpoint}`);
    }),
  );

/** A parser fed with these chunks. */
function parsed(chunks: readonly Buffer[]): { frames: Frame[]; errors: unknown[] } {
  const socket = new EventEmitter();
  const found = { frames: [] as Frame[], errors: [] as unknown[] };
  const parser = new FrameParser(socket as Socket, (frame) => found.frames.push(frame));
  parser.on('error', (error) => found.errors.push(error));
  for (const chunk of chunks) socket.emit('data', chunk);
  return found;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const cuts = fc.array(fc.nat(4000), { maxLength: 12 });
const oneLine = (arbitrary: fc.Arbitrary<string>) => arbitrary.map((one) => one.replaceAll(/[\r\n\0]/g, ' '));

const frames = ({ text }: Arbitraries) =>
  fc.property(
    fc.array(
      fc.record({
        type: fc.constantFrom(
          'command/reply',
          'text/event-json',
          'api/response',
          'text/disconnect-notice',
          'x',
        ),
        reply: oneLine(text),
        body: fc.oneof(
          text.map((one) => Buffer.from(one)),
          fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
        ),
      }),
      { maxLength: 4 },
    ),
    cuts,
    timed((sent, places) => {
      const bytes = Buffer.concat(
        sent.flatMap(({ type, reply, body }) => [
          Buffer.from(`Content-Type: ${type}\nReply-Text: ${reply}\nContent-Length: ${body.length}\n\n`),
          body,
        ]),
      );
      const { frames: heard, errors } = parsed(cut(bytes, places));
      same('errors', errors, []);
      same(
        'frames',
        heard.map(({ type, headers, body }) => [type, headers['Reply-Text'], body.toString('hex')]),
        sent.map(({ type, reply, body }) => [type, Buffer.from(reply).toString(), body.toString('hex')]),
      );
      carriedOut++;
    }),
  );

const brokenFrames = ({ text }: Arbitraries) =>
  fc.property(
    fc.array(
      fc.oneof(
        text,
        fc.constantFrom(
          ...['\n', '\n\n', 'Content-Length: ', 'Content-Type: ', '-1', '99999999999', '5', '0x10', '1e9'],
        ),
        fc.constantFrom('Event-Name: CHANNEL_DATA\n', '__proto__: x\n', 'constructor: y\n', ': z\n'),
      ),
      { maxLength: 12 },
    ),
    fc.uint8Array({ maxLength: 20 }),
    cuts,
    timed((pieces, binary, places) => {
      const bytes = Buffer.concat([Buffer.from(pieces.join('')), binary]);
      const { errors } = parsed(cut(bytes, places));
      if (errors.length === 0) carriedOut++;
      for (const error of errors) if (!(error instanceof FrameError)) throw error;
      decodeText(bytes);
      decodeHeader(pieces.join('%'));
      only([SyntaxError], () => parseJson(bytes));
    }),
  );

const MICROS = '1764456994798000';

const events = ({ text, ctiBridge, mostly }: Arbitraries) =>
  fc.property(
    fc.constantFrom(
      'CHANNEL_PROGRESS',
      'CHANNEL_PROGRESS_MEDIA',
      'CHANNEL_ANSWER',
      'CHANNEL_HANGUP_COMPLETE',
      'X',
    ),
    mostly(fc.uuid()),
    mostly(fc.uuid()),
    ctiBridge,
    fc.array(fc.oneof(text, fc.array(text, { maxLength: 3 })), { minLength: 12, maxLength: 12 }),
    timed((event, leg, call, bridge, said) => {
      const [
        name,
        number,
        destination,
        causes,
        legs,
        header,
        agent,
        callId,
        status,
        context,
        address,
        cause,
      ] = said;
      const data = {
        'Event-Name': event,
        'Event-Date-Timestamp': MICROS,
        'FreeSWITCH-Switchname': 'fs1',
        'Unique-ID': leg,
        'Hangup-Cause': cause,
        variable_dialhook_call: call,
        variable_cti_bridge: bridge,
        'Caller-Caller-ID-Name': name,
        'Caller-Caller-ID-Number': number,
        'Caller-Destination-Number': destination,
        'Other-Leg-Caller-ID-Name': name,
        'Other-Leg-Caller-ID-Number': number,
        'Other-Leg-Destination-Number': destination,
        'Caller-Context': context,
        'Caller-Network-Addr': address,
        'Caller-Channel-Created-Time': MICROS,
        variable_originate_causes: causes,
        variable_originated_legs: legs,
        variable_sip_call_id: callId,
        variable_sip_term_status: status,
        'variable_sip_h_X-Hostile': header,
        'variable_sip_h_X-__proto__': header,
        variable_sip_user_agent: agent,
      } as Record<string, string | string[]>;
      const crossed = parseJson(Buffer.from(JSON.stringify(data))) as Record<string, string | string[]>;
      const read = readEvent(crossed, { nodeName: undefined, defaultUrl: 'http://crm/' });
      if (read) {
        carriedOut++;
        const progress = { v: 1, url: read.endpoint.url, notification: read.notification };
        same(
          'the notification',
          readMessage(ProgressEvent, BUS.progress, Buffer.from(JSON.stringify(progress))),
          progress,
        );
      }
      const request = endpointRequest(crossed, 'fs1', [
        'sip_user_agent',
        'sip_h_X-*',
        'constructor',
        '__proto__',
      ]);
      same('the request', EndpointRequest.parse(JSON.parse(JSON.stringify(request))), request);
    }),
  );

const REQUEST = {
  v: 1,
  url: 'http://crm/',
  connect_timeout_ms: 1,
  response_timeout_ms: 1,
  request: {
    action: 'request',
    ...{ uuid: 'u', node: 'n', time: '2026-11-23T22:56:34.798Z', caller_id_number: '', caller_id_name: '' },
    ...{
      destination_number: '',
      context: '',
      network_addr: '',
      sip_call_id: '',
      attempt: 1,
      tried: [],
      variables: {},
    },
  },
};
const GROUP = { variables: {}, legs: [{ endpoint: 'user/1', variables: {} }] };
const RING = {
  ...{ action: 'ring', uuid: 'u', leg: 'l', node: 'n', time: '2026-11-23T22:56:34.798Z' },
  ...{ caller_id_number: '', caller_id_name: '', destination_number: '', called_number: '' },
};
const UUID = 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd';
const STEP = { v: 1, uuid: 'u', node: 'n', by: 'agent@1', time: '2026-11-23T22:56:34.798Z' };
const ATTEMPTED = { notification: 'n', endpoint: 'http://crm/', attempt: 1, outcome: 'dead', ms: 1 };
const ASKED = { endpoint: 'http://crm/', fallback: false, result: 'decided', ms: 1, phases: { dns_ms: 1 } };
const ROUTER = {
  ...{ origin: 'http://crm', breaker: 'open', requests: 1, failures: 1 },
  last_errors: [{ time: '2026-11-23T22:56:34.798Z', result: 'x', error: 'y', uuid: 'u' }],
};
const STATUS = {
  ...{ v: 1, service: 'router', instance: 'router@1', version: '0', ready: true, checks: { nats: 'ok' } },
  ...{ time: '2026-11-23T22:56:34.798Z', started: '2026-11-23T22:56:34.798Z', figures: { held: 1 } },
  endpoints: [ROUTER],
};
const MESSAGES = [
  { schema: DecisionRequest, good: REQUEST },
  { schema: DecisionReply, good: { v: 1, result: 'no_router', error: 'x' } },
  {
    schema: DecisionReply,
    good: { v: 1, result: 'decided', plan: { groups: [GROUP], variables: {}, on_fail: 'hangup' } },
  },
  { schema: Abandon, good: { v: 1, uuid: 'u' } },
  { schema: ProgressEvent, good: { v: 1, url: 'http://crm/', notification: RING } },
  {
    schema: LiveCall,
    good: {
      ...{ v: 1, url: 'http://crm/', uuid: 'u', node: 'n', caller_id_number: '', caller_id_name: '' },
      ...{ destination_number: '', started: '2026-11-23T22:56:34.798Z' },
    },
  },
  { schema: TimelineStep, good: { step: 'received', ...STEP, request: REQUEST.request } },
  { schema: TimelineStep, good: { step: 'requested', ...STEP, ...ASKED } },
  {
    schema: TimelineStep,
    good: { step: 'decided', ...STEP, result: 'decided', ms: 1, applications: ['bridge x'] },
  },
  { schema: TimelineStep, good: { step: 'published', ...STEP, notification: RING } },
  { schema: TimelineStep, good: { step: 'attempted', ...STEP, ...ATTEMPTED } },
  { schema: ServiceStatus, good: STATUS },
  { schema: ControlRequest, good: { v: 1, do: 'hangup', uuid: UUID, by: 'x' } },
  {
    schema: ControlRequest,
    good: { v: 1, do: 'transfer', uuid: UUID, by: 'x', destination: '100', context: 'default' },
  },
  { schema: ControlReply, good: { v: 1, ok: false, error: 'x' } },
] as const;

/** What FreeSWITCH makes of `uuid_transfer UUID DESTINATION XML CONTEXT`: words at blanks, a dash first is an option. */
function transferIsMeant({ uuid, destination, context }: Extract<ControlRequest, { do: 'transfer' }>): void {
  const words = `${uuid} ${destination} XML ${context ?? 'default'}`.split(/[\s,'"\\|]+/);
  same('the words of uuid_transfer', words, [uuid, destination, 'XML', context ?? 'default']);
  if (destination.startsWith('-')) throw new Error(`an option in place of a destination: ${destination}`);
}

/** Puts `value` at some place inside a message. */
function spoilt(good: unknown, path: readonly number[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof good !== 'object' || good === null) return value;
  const keys = Object.keys(good);
  if (keys.length === 0) return { '': value };
  const key = keys[first % keys.length] ?? '';
  const copy = structuredClone(good) as Record<string, unknown>;
  copy[key] = spoilt(copy[key], rest, value);
  return copy;
}

const messages = ({ text, contacts }: Arbitraries) =>
  fc.property(
    fc.constantFrom(...MESSAGES),
    fc.array(fc.nat(12), { maxLength: 6 }),
    fc.oneof(fc.jsonValue(), text, fc.dictionary(text, text, { maxKeys: 3 })),
    fc.option(fc.tuple(fc.nat(400), text), { nil: undefined }),
    contacts,
    timed(({ schema, good }, path, value, splice, registered) => {
      const json = JSON.stringify(spoilt(good, path, value));
      const written =
        splice === undefined ? json : json.slice(0, splice[0]) + splice[1] + json.slice(splice[0]);
      const read = only([MessageError], () => readMessage(schema, 'subject', Buffer.from(written)));
      if (read === undefined) return;
      same(
        'the message written again',
        readMessage(schema, 'subject', Buffer.from(JSON.stringify(read))),
        read,
      );
      if ('do' in read) {
        carriedOut++;
        if (read.do === 'transfer') transferIsMeant(read);
      }
      if (!('plan' in read) || 'hangup' in read.plan) return;
      const { plan } = read;
      const groups = lookedUp(plan, registered);
      if (groups.length === 0) return;
      const applications = dialApplications(
        groups,
        plan.variables,
        { result: 'decided' },
        { finalCauses: [] },
      );
      const { bytes, refused } = bytesOf((call) => call.runAndRelease(applications));
      same('refused', refused, undefined);
      const channel = new Channel();
      channel.receive(bytes);
      same(
        'what is dialled',
        channel.bridges.map((bridged) => bridged.map(sorted)),
        meantBridges(groups, plan.variables),
      );
      same('what is expanded', channel.expanded, []);
      carriedOut++;
    }),
  );

export const PROPERTIES: readonly Property[] = [
  {
    name: 'decisions',
    what: 'an answer becomes the applications meant, byte by byte as FreeSWITCH reads them',
    check: decisions,
  },
  {
    name: 'plans',
    what: 'what a router lets pass an agent takes, and no refused variable is among it',
    check: plans,
  },
  {
    name: 'dial-strings',
    what: 'a dial string becomes known endpoints or a DialStringError',
    check: dialStrings,
  },
  {
    name: 'caller-data',
    what: 'arguments, error words and contacts stay where they are put',
    check: callerData,
  },
  { name: 'frames', what: 'frames come out as they went in, however they are cut', check: frames },
  { name: 'broken-frames', what: 'bytes that are no frames end as FrameError', check: brokenFrames },
  {
    name: 'events',
    what: 'an event with hostile caller data becomes a valid notification and request',
    check: events,
  },
  {
    name: 'messages',
    what: 'a spoilt NATS message is a MessageError or is carried out as it says',
    check: messages,
  },
];

export interface Outcomes {
  readonly name: string;
  readonly cases: number;
  /** Of them, those that were not refused on the way and were compared to the end. */
  readonly carriedOut: number;
  readonly ms: number;
  /** The counterexample, and how to get it again. */
  readonly find?: string;
}

/** Runs one property on so many cases. */
export function runProperty(property: Property, cases: number, seed: number): Outcomes {
  carriedOut = 0;
  const started = performance.now();
  const details = fc.check(property.check(arbitraries(CANARY)), {
    numRuns: cases,
    seed,
    endOnFailure: false,
  });
  const ms = Math.round(performance.now() - started);
  const counted = { name: property.name, cases: details.numRuns, carriedOut, ms };
  if (!details.failed) return counted;
  return { ...counted, find: `${details.errorInstance}\n${fc.defaultReportMessage(details)}` };
}
