import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { timelineSubject } from '#libs/bus/timeline.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';

export const ENDPOINT = 'http://crm.example:8080/calls';
export const START = Date.parse('2026-03-01T03:00:00.000Z');
export const at = (ms: number): string => new Date(START + ms).toISOString();

export interface Caller {
  readonly uuid: string;
  readonly node: string;
  readonly from: string;
  readonly name: string;
  readonly to: string;
  /** When it came in, ms after three in the morning. */
  readonly start: number;
}

let made = 0;
export const caller = (given: Partial<Caller> = {}): Caller => {
  const n = String(++made);
  return {
    uuid: `00000000-0000-4000-8000-${n.padStart(12, '0')}`,
    node: 'fs1',
    from: `138${n.padStart(8, '0')}`,
    name: '张三',
    to: `010${n.padStart(8, '0')}`,
    start: made * 1000,
    ...given,
  };
};

const common = ({ uuid, node, start }: Caller, ms: number) =>
  ({ v: 1, uuid, node, time: at(start + ms) }) as const;
const parties = ({ from, name, to }: Caller) => ({
  caller_id_number: from,
  caller_id_name: name,
  destination_number: to,
});

export const received = (call: Caller, ms = 0, attempt = 1): TimelineStep => ({
  step: 'received',
  ...common(call, ms),
  by: 'agent@a1',
  endpoint: ENDPOINT,
  request: {
    action: 'request',
    reason: attempt === 1 ? 'new' : 'failed',
    uuid: call.uuid,
    node: call.node,
    time: at(call.start + ms),
    ...parties(call),
    caller_id_withheld: false,
    asserted_number: '',
    context: 'default',
    network_addr: '10.0.0.9',
    sip_call_id: `${call.uuid}@pbx`,
    attempt,
    tried: [],
    variables: { domain_name: 'pbx.local' },
  },
});

export const requested = (call: Caller, ms = 10): TimelineStep => ({
  step: 'requested',
  ...common(call, ms),
  by: 'router@r1',
  endpoint: ENDPOINT,
  fallback: false,
  result: 'decided',
  status: 200,
  answer: JSON.stringify({ dial: { type: 'gateway', number: call.to, gateway: 'gw' } }),
  ms: 8.4,
  phases: { dns_ms: 1, connect_ms: 1.2, ttfb_ms: 5, body_ms: 0.4 },
});

/** A stale decision of the cache, a minute old. */
export const fromCache = (call: Caller, ms = 10): TimelineStep => ({
  step: 'requested',
  ...common(call, ms),
  by: 'router@r1',
  endpoint: ENDPOINT,
  fallback: false,
  result: 'decided',
  cache: { outcome: 'stale', age_ms: 60_000 },
  ms: 0,
  phases: {},
});

export const decided = (call: Caller, ms = 12): TimelineStep => ({
  step: 'decided',
  ...common(call, ms),
  by: 'agent@a1',
  result: 'decided',
  ms: 11.5,
  applications: ['set dialhook_result=decided', `bridge sofia/gateway/gw/${call.to}`],
});

export const undecided = (call: Caller, ms = 1000): TimelineStep => ({
  step: 'decided',
  ...common(call, ms),
  by: 'agent@a1',
  result: 'response_timeout',
  error: 'no answer within 1000 ms',
  ms: 1003,
  applications: ['set dialhook_result=response_timeout'],
});

const leg = (call: Caller): string => call.uuid.replace(/^0{8}/, 'bbbbbbbb');

export const notification = (
  call: Caller,
  action: 'ring' | 'answer' | 'hangup',
  ms: number,
): Notification => {
  const same = { uuid: call.uuid, node: call.node, time: at(call.start + ms), ...parties(call) };
  if (action !== 'hangup') return { action, ...same, leg: leg(call), called_number: call.to };
  return {
    action,
    ...same,
    leg: call.uuid,
    result: 'decided',
    cause: 'NORMAL_CLEARING',
    q850: 16,
    sip_status: 200,
    hangup_by: 'caller',
    duration_ms: ms,
    ring_ms: 300,
    billable_ms: Math.max(0, ms - 900),
    tried: [],
  };
};

export const published = (call: Caller, action: 'ring' | 'answer' | 'hangup', ms: number): TimelineStep => ({
  step: 'published',
  ...common(call, ms),
  by: 'agent@a1',
  notification: notification(call, action, ms),
});

export const attempted = (
  call: Caller,
  action: 'ring' | 'answer' | 'hangup',
  ms: number,
  attempt = 1,
  outcome: 'delivered' | 'retried' | 'dead' = 'delivered',
): TimelineStep => ({
  step: 'attempted',
  ...common(call, ms),
  by: 'notifier@n1',
  notification: notificationId(notification(call, action, ms)),
  endpoint: ENDPOINT,
  attempt,
  outcome,
  ...(outcome === 'delivered' ? { status: 200 } : { status: 503, error: 'answered 503' }),
  ms: 4.2,
  ...(outcome === 'retried' ? { retry_in_ms: 5000 } : {}),
});

/** A call from beginning to end, all delivered. */
export const answeredCall = (call: Caller): TimelineStep[] => [
  received(call),
  requested(call),
  decided(call),
  published(call, 'ring', 300),
  attempted(call, 'ring', 310),
  published(call, 'answer', 900),
  attempted(call, 'answer', 910),
  published(call, 'hangup', 8000),
  attempted(call, 'hangup', 8010),
];

export async function makeTimeline(nats: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nats);
  await manager.streams.add({ name: BUS.timelineStream, subjects: [`${BUS.timeline}.>`] });
}

export function publish(nats: NatsConnection, steps: readonly TimelineStep[]): void {
  for (const step of steps) nats.publish(timelineSubject(step.uuid), JSON.stringify(step));
}

/** A server drops messages when more than 10,000 wait to be stored. */
const STORED_AT_ONCE = 2_000;

/** Publishes any number of steps; returns when they are stored. */
export async function publishAll(nats: NatsConnection, steps: readonly TimelineStep[]): Promise<void> {
  const client = jetstream(nats, { timeout: 60_000 });
  for (let at = 0; at < steps.length; at += STORED_AT_ONCE) {
    const some = steps.slice(at, at + STORED_AT_ONCE);
    publish(nats, some.slice(0, -1));
    for (const last of some.slice(-1)) await client.publish(timelineSubject(last.uuid), JSON.stringify(last));
  }
}
