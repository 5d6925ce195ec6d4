import { randomUUID } from 'node:crypto';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { type Given, UsageError } from '../command.ts';

/** The `node` of the sample call, by which endpoints recognize it. */
export const CHECK_NODE = 'dialhook-check';

const BYE_MS = 12_000;
const RING_MS = 1_200;
const BILLABLE_MS = 9_000;

/** `NAME=VALUE` of an option. @throws {UsageError} */
function pair(option: string, text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--${option} must be NAME=VALUE, not "${text}"`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** The request of a sample call, from the options. */
export function sampleRequest({ options, lists }: Given, now: number): EndpointRequest {
  const uuid = randomUUID();
  const tried = (lists['tried'] ?? []).map((text) => {
    const [number, cause] = pair('tried', text);
    return { leg: randomUUID(), number, cause };
  });
  return {
    action: 'request',
    reason: tried.length > 0 ? 'failed' : 'new',
    uuid,
    node: CHECK_NODE,
    time: new Date(now).toISOString(),
    caller_id_number: options['caller'] ?? '1001',
    caller_id_name: options['name'] ?? 'dialhook check',
    destination_number: options['destination'] ?? '1000',
    caller_id_withheld: false,
    asserted_number: '',
    context: options['context'] ?? 'default',
    network_addr: '127.0.0.1',
    sip_call_id: `${uuid}@${CHECK_NODE}`,
    attempt: tried.length > 0 ? 2 : 1,
    tried,
    variables: Object.fromEntries((lists['variable'] ?? []).map((text) => pair('variable', text))),
  };
}

/** The notifications of the sample call, as if it had been answered. */
export function sampleNotifications(request: EndpointRequest): Notification[] {
  const { uuid, node, caller_id_number, caller_id_name, destination_number } = request;
  const call = { uuid, node, caller_id_number, caller_id_name, destination_number };
  const begun = Date.parse(request.time);
  const at = (ms: number) => new Date(begun + ms).toISOString();
  const leg = randomUUID();
  const called = { ...call, leg, called_number: destination_number };
  return [
    { action: 'ring', ...called, time: at(RING_MS) },
    { action: 'progress', ...called, time: at(RING_MS) },
    { action: 'answer', ...called, time: at(BYE_MS - BILLABLE_MS) },
    {
      action: 'hangup',
      ...call,
      leg: uuid,
      time: at(BYE_MS),
      result: 'decided',
      cause: 'NORMAL_CLEARING',
      q850: 16,
      sip_status: 200,
      hangup_by: 'caller',
      duration_ms: BYE_MS,
      ring_ms: RING_MS,
      billable_ms: BILLABLE_MS,
      tried: [{ leg, number: destination_number, cause: 'NONE' }],
    },
  ];
}
