import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Bus } from '#libs/bus/connection.ts';
import { observeStream } from '#libs/bus/metrics.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { DeadLetters, DeadReason } from '#libs/queue/dead-letters.ts';
import type { Endpoints } from '#libs/queue/endpoints.ts';
import { count, endpointOfMetrics, measureMs, observe } from '#libs/telemetry/metrics.ts';

/** An attempt was made and has failed. */
export const attempted = (origin: string, outcome: 'retried' | 'dead'): void =>
  count('dialhook.notification.attempts', {
    'dialhook.endpoint': endpointOfMetrics(origin),
    'dialhook.outcome': outcome,
  });

/** @param time when FreeSWITCH saw it, ISO 8601. @param now epoch milliseconds. */
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
  readonly redis: Redis;
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
  readonly endpoints: Endpoints;
  readonly bus: Bus;
}

/** Observes what waits in Redis and in JetStream. While Redis is away nothing is asked of it: commands would pile up. */
export function observeNotifier({ redis, queue, deadLetters, endpoints, bus }: Parts): void {
  const isThere = () => redis.status === 'ready';
  observe('dialhook.dead_letters', async () => (isThere() ? [[await deadLetters.size(), {}]] : []));
  observe('dialhook.queue.jobs', async () => {
    if (!isThere()) return [];
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed');
    return [
      [wait, { 'dialhook.job_state': 'waiting' }],
      [active, { 'dialhook.job_state': 'active' }],
      [delayed, { 'dialhook.job_state': 'delayed' }],
    ];
  });
  observe('dialhook.endpoint.trouble', async () => {
    const known = isThere() ? await endpoints.list() : [];
    return known.map(({ origin, state }) => [
      1,
      { 'dialhook.endpoint': endpointOfMetrics(origin), 'dialhook.endpoint_state': state },
    ]);
  });
  observeStream(bus, BUS.stream);
}
