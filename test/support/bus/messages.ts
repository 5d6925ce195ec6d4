import { PlaceMessage } from '#libs/contract/call-limits.ts';
import { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { Abandon, DecisionReply, DecisionRequest, LiveCall, ProgressEvent } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';

const REQUEST = {
  v: 1,
  url: 'http://crm/',
  connect_timeout_ms: 1,
  response_timeout_ms: 1,
  request: {
    action: 'request',
    reason: 'new',
    ...{ uuid: 'u', node: 'n', time: '2026-11-23T22:56:34.798Z', caller_id_number: '', caller_id_name: '' },
    ...{
      destination_number: '',
      caller_id_withheld: false,
      asserted_number: '',
      context: '',
      network_addr: '',
      sip_call_id: '',
      attempt: 1,
      tried: [{ leg: 'l', number: '', cause: 'USER_BUSY', sip_status: 486, rang: true }],
      previous: { url: 'http://crm/', result: 'http_status', error: 'x' },
      variables: {},
    },
  },
};
const PLAN = {
  groups: [{ variables: {}, legs: [{ endpoint: 'user/1', variables: {} }] }],
  ...{ variables: {}, on_fail: 'hangup', on_redirect: 'fail', pass_headers: false },
};
const RING = {
  ...{ action: 'ring', uuid: 'u', leg: 'l', node: 'n', time: '2026-11-23T22:56:34.798Z' },
  ...{ caller_id_number: '', caller_id_name: '', destination_number: '', called_number: '' },
};
const HANGUP = {
  ...{ action: 'hangup', uuid: 'u', leg: 'u', node: 'n', time: '2026-11-23T22:56:34.798Z' },
  ...{ caller_id_number: '', caller_id_name: '', destination_number: '', cause: 'NORMAL_CLEARING', q850: 16 },
  ...{ hangup_by: 'caller', duration_ms: 1, ring_ms: 1, billable_ms: 0, tried: REQUEST.request.tried },
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
  cache: { outcome: 'stale', age_ms: 1 },
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
/**
 * A valid example of each message between services, as version 0.1.0 sends it. Later versions must read these: a new
 * field is optional. `exact`: the message is read with `readInstruction`.
 */
export const MESSAGES = [
  { schema: DecisionRequest, good: REQUEST },
  { schema: DecisionReply, good: { v: 1, result: 'no_router', error: 'x' }, exact: true },
  {
    schema: DecisionReply,
    good: { v: 1, result: 'decided', plan: PLAN },
    exact: true,
  },
  { schema: Abandon, good: { v: 1, uuid: 'u' } },
  { schema: ProgressEvent, good: { v: 1, url: 'http://crm/', notification: RING } },
  { schema: ProgressEvent, good: { v: 1, url: 'http://crm/', notification: HANGUP } },
  {
    schema: LiveCall,
    good: {
      ...{ v: 1, url: 'http://crm/', uuid: 'u', node: 'n', caller_id_number: '', caller_id_name: '' },
      ...{ destination_number: '', started: '2026-11-23T22:56:34.798Z' },
    },
  },
  { schema: PlaceMessage, good: { v: 1, state: 'taken', max: 30, rate: 5 } },
  { schema: PlaceMessage, good: { v: 1, state: 'freed', unused: true } },
  { schema: TimelineStep, good: { step: 'received', ...STEP, request: REQUEST.request } },
  { schema: TimelineStep, good: { step: 'requested', ...STEP, ...REQUESTED } },
  {
    schema: TimelineStep,
    good: { step: 'decided', ...STEP, result: 'decided', ms: 1, applications: ['bridge x'] },
  },
  { schema: TimelineStep, good: { step: 'published', ...STEP, notification: RING } },
  { schema: TimelineStep, good: { step: 'attempted', ...STEP, ...ATTEMPTED } },
  { schema: ServiceStatus, good: STATUS },
  { schema: ControlRequest, good: { v: 1, do: 'hangup', uuid: UUID, by: 'x' }, exact: true },
  {
    schema: ControlRequest,
    good: { v: 1, do: 'transfer', uuid: UUID, by: 'x', destination: '100', context: 'default' },
    exact: true,
  },
  { schema: ControlReply, good: { v: 1, ok: false, error: 'x' } },
] as const;
