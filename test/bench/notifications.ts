import type { JetStreamClient } from '@nats-io/jetstream';
import { progressSubject } from '#libs/bus/progress.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { cpuSeconds } from './child.ts';
import type { Endpoint } from './cluster.ts';
import { notificationOf } from './direct-client.ts';
import { newCall } from './node.ts';

const BATCH = 256;
const ACTIONS = ['ring', 'progress', 'answer'] as const;

type Notification = ReturnType<typeof notificationOf>;

/** Notifications of many calls, the calls mixed as they are when many are up. */
export function notifications(n: number): Notification[] {
  const calls = Array.from({ length: Math.ceil(n / ACTIONS.length) }, newCall);
  return ACTIONS.flatMap((action) => calls.map((call) => notificationOf(call, action))).slice(0, n);
}

/** Notifications per second until the endpoint has received all `n` that `feed` hands over, and CPU ms of `pids` for each. */
export async function timed(
  endpoint: Endpoint,
  n: number,
  pids: readonly number[],
  feed: () => Promise<unknown>,
) {
  const all = endpoint.until((await endpoint.count()) + n);
  const cpu = cpuSeconds(pids);
  const started = performance.now();
  await feed();
  await all;
  const perSecond = (n * 1000) / (performance.now() - started);
  return { perSecond, cpuMsEach: ((cpuSeconds(pids) - cpu) * 1000) / n };
}

/** Runs `work` with 256 items at a time. */
export async function inBatches<T>(items: readonly T[], work: (batch: readonly T[]) => Promise<unknown>) {
  for (let i = 0; i < items.length; i += BATCH) await work(items.slice(i, i + BATCH));
}

/** Publishes notifications for the endpoint at `url`, as an agent does. */
export const publish = (stream: JetStreamClient, url: string, all: readonly Notification[]) =>
  inBatches(all, (batch) =>
    Promise.all(
      batch.map((notification) =>
        stream.publish(
          progressSubject(notification.uuid, 'bench'),
          JSON.stringify({ v: 1, url, notification }),
          {
            msgID: notificationId(notification),
          },
        ),
      ),
    ),
  );
