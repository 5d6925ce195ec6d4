import { Bus } from '#libs/bus/connection.ts';
import { LimitStream } from '#libs/bus/limit-stream.ts';
import { LiveCallStream } from '#libs/bus/live-call-stream.ts';
import { ensureProgressStream } from '#libs/bus/progress.ts';
import { ensureTimelineStream } from '#libs/bus/timeline.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';

/**
 * Creates the JetStream streams, or updates them to the settings LIVE_CALLS_*, LIMITS_*, PROGRESS_* and TIMELINE_*. The users of the
 * services have no permission for that, because a user that may create streams can record every subject. Run it as
 * the user `setup` of nats.conf:
 *
 *   NATS_URL=... NATS_USER=setup NATS_PASSWORD=... node deploy/nats/make-streams.ts
 */
const agent = readAgentConfig(process.env);
const notifier = readNotifierConfig(process.env);
const log = createLog('setup', { level: agent.LOG_LEVEL });
const lifecycle = new Lifecycle(log, agent.STOP_DEADLINE_MS);
const bus = await Bus.connect(agent, 'setup', lifecycle, log);
await ensureProgressStream(bus, {
  replicas: notifier.PROGRESS_REPLICAS,
  maxBytes: notifier.PROGRESS_MAX_BYTES,
  maxAgeMs: notifier.PROGRESS_MAX_AGE_MS,
  duplicateWindowMs: notifier.PROGRESS_DUPLICATE_WINDOW_MS,
});
await ensureTimelineStream(bus, {
  replicas: notifier.TIMELINE_REPLICAS,
  maxBytes: notifier.TIMELINE_MAX_BYTES,
  maxAgeMs: notifier.TIMELINE_MAX_AGE_MS,
});
await new LiveCallStream(bus, {
  replicas: agent.LIVE_CALLS_REPLICAS,
  maxBytes: agent.LIVE_CALLS_MAX_BYTES,
  maxAgeMs: agent.LIVE_CALLS_MAX_AGE_MS,
}).ensure();
await new LimitStream(
  bus,
  {
    replicas: agent.LIMITS_REPLICAS,
    maxBytes: agent.LIMITS_MAX_BYTES,
    maxAgeMs: agent.LIVE_CALLS_MAX_AGE_MS,
  },
  log,
).ensure();
log.info('stream.created');
await lifecycle.stop();
