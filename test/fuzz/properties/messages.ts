import fc from 'fast-check';
import { MessageError, readMessage } from '#libs/bus/message.ts';
import { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { Abandon, DecisionReply, DecisionRequest, LiveCall, ProgressEvent } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';
import { dialApplications } from '#libs/dialplan/applications.ts';
import { dialOf } from '#test/support/dialplan/dial.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { Channel } from '../freeswitch-model.ts';
import { countExecuted, only, same, sorted, timed } from '../property.ts';
import { bytesOf } from '../wire.ts';
import { expectedBridges, resolveUsers } from './bridges.ts';

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
const REQUESTED = {
  endpoint: 'http://crm/',
  fallback: false,
  result: 'decided',
  ms: 1,
  phases: { dns_ms: 1 },
};
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
  { schema: TimelineStep, good: { step: 'requested', ...STEP, ...REQUESTED } },
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

/** FreeSWITCH splits `uuid_transfer UUID DESTINATION XML CONTEXT` at blanks and takes a leading dash as an option. */
function checkTransfer({ uuid, destination, context }: Extract<ControlRequest, { do: 'transfer' }>): void {
  const words = `${uuid} ${destination} XML ${context ?? 'default'}`.split(/[\s,'"\\|]+/);
  same('words of uuid_transfer', words, [uuid, destination, 'XML', context ?? 'default']);
  if (destination.startsWith('-')) throw new Error(`an option instead of a destination: ${destination}`);
}

/** Returns a copy with `value` at `path`. */
function corrupt(good: unknown, path: readonly number[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof good !== 'object' || good === null) return value;
  const keys = Object.keys(good);
  if (keys.length === 0) return { '': value };
  const key = keys[first % keys.length] ?? '';
  const copy = structuredClone(good) as Record<string, unknown>;
  copy[key] = corrupt(copy[key], rest, value);
  return copy;
}

export const messages = ({ text, contacts }: Arbitraries) =>
  fc.property(
    fc.constantFrom(...MESSAGES),
    fc.array(fc.nat(12), { maxLength: 6 }),
    fc.oneof(fc.jsonValue(), text, fc.dictionary(text, text, { maxKeys: 3 })),
    fc.option(fc.tuple(fc.nat(400), text), { nil: undefined }),
    contacts,
    timed(({ schema, good }, path, value, splice, registered) => {
      const json = JSON.stringify(corrupt(good, path, value));
      const written =
        splice === undefined ? json : json.slice(0, splice[0]) + splice[1] + json.slice(splice[0]);
      const read = only([MessageError], () => readMessage(schema, 'subject', Buffer.from(written)));
      if (read === undefined) return;
      same(
        'message after a round trip',
        readMessage(schema, 'subject', Buffer.from(JSON.stringify(read))),
        read,
      );
      if ('do' in read) {
        countExecuted();
        if (read.do === 'transfer') checkTransfer(read);
      }
      if (!('plan' in read) || 'hangup' in read.plan) return;
      const { plan } = read;
      const groups = resolveUsers(plan, registered);
      if (groups.length === 0) return;
      const dial = dialOf(groups, { plan });
      const { bytes, refused } = bytesOf((call) => call.runAndRelease(dialApplications(dial)));
      same('refused', refused, undefined);
      const channel = new Channel();
      channel.receive(bytes);
      same(
        'dialled legs',
        channel.bridges.map((bridged) => bridged.map(sorted)),
        expectedBridges(dial),
      );
      same('expanded variables', channel.expanded, ['${originate_failed_cause}']);
      countExecuted();
    }),
  );
