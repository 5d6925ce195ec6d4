import type { Queue } from 'bullmq';
import type { Bus } from '#libs/bus/connection.ts';
import { observeStream } from '#libs/bus/metrics.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { DeadLetters, DeadReason } from '#libs/queue/dead-letters.ts';
import type { EndpointState } from '#libs/queue/endpoint-state.ts';
import type { RedisClient } from '#libs/queue/redis.ts';
import { count, endpointOfMetrics, measureMs, observe } from '#libs/telemetry/metrics.ts';

/** Counts a failed attempt. */
export const attempted = (origin: string, outcome: 'retried' | 'dead'): void =>
  count('dialhook.notification.attempts', {
    'dialhook.endpoint': endpointOfMetrics(origin),
    'dialhook.outcome': outcome,
  });

/** Counts a delivery. @param time of the event, ISO 8601. @param now epoch ms. */
export function delivered(origin: string, time: string, now: number): void {
  const endpoint = { 'dialhook.endpoint': endpointOfMetrics(origin) };
  count('dialhook.notification.attempts', { ...endpoint, 'dialhook.outcome': 'delivered' });
  measureMs('dialhook.notification.lag', now - Date.parse(time), endpoint);
}

export const keptDead = (origin: string, reason: DeadReason): void =>
  count('dialhook.dead_letters.kept', {
    'dialhook.endpoint': endpointOfMetrics(origin),
    'dialhook.reason': reason,
  });

interface Parts {
  readonly redis: RedisClient;
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
  readonly endpoints: EndpointState;
  readonly bus: Bus;
}

/**
 * Registers the metrics of queue, dead letters, endpoints and stream. Sends no commands while Redis is disconnected,
 * because they would queue up in the client.
 */
export function observeNotifier({ redis, queue, deadLetters, endpoints, bus }: Parts): void {
  const isReady = () => redis.status === 'ready';
  observe('dialhook.dead_letters', async () => (isReady() ? [[await deadLetters.count(), {}]] : []));
  observe('dialhook.queue.jobs', async () => {
    if (!isReady()) return [];
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed');
    return [
      [wait, { 'dialhook.job_state': 'waiting' }],
      [active, { 'dialhook.job_state': 'active' }],
      [delayed, { 'dialhook.job_state': 'delayed' }],
    ];
  });
  observe('dialhook.endpoint.trouble', async () => {
    const known = isReady() ? await endpoints.list() : [];
    return known.map(({ origin, state }) => [
      1,
      { 'dialhook.endpoint': endpointOfMetrics(origin), 'dialhook.endpoint_state': state },
    ]);
  });
  observeStream(bus, BUS.stream);
}
