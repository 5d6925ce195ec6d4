import { z } from 'zod';
import { Bus } from '#libs/bus/connection.ts';
import { TimelineFollower } from '#libs/bus/timeline-reader.ts';
import { readConfig } from '#libs/config/config.ts';
import { commonSettings } from '#libs/config/settings.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { createLog } from '#libs/telemetry/log.ts';

const STOP_MS = 5_000;

/**
 * Follows the timeline of all calls from now on. `order` is the step's sequence number in the stream.
 * @returns a function that stops it.
 */
export async function followTimeline(
  natsUrl: string,
  onStep: (step: TimelineStep, order: number) => void,
): Promise<() => Promise<void>> {
  const log = createLog('local', { level: 'silent' });
  const lifecycle = new Lifecycle(log, STOP_MS);
  const config = readConfig(z.object(commonSettings), { ...process.env, NATS_URL: natsUrl });
  const bus = await Bus.connect(config, 'console', lifecycle, log);
  const since = new Date().toISOString();
  const follower = new TimelineFollower(bus, log, new SetAside(log), (step, order) => {
    // A NATS server that was running before keeps the steps of earlier calls.
    if (step.time >= since) onStep(step, order);
  });
  lifecycle.onStop('timeline', () => follower.close());
  return () => lifecycle.stop();
}
