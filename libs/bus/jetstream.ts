import { setTimeout as pause } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { TimeoutError } from '@nats-io/transport-node';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';

const TIMEOUT_MS = 2_000;
const AGAIN_MS = 5_000;

/** How the client reports that nothing subscribes to the JetStream API. It does not export the class. */
const isMissing = ({ name, cause }: Error): boolean =>
  name === 'JetStreamNotEnabled' && !(cause instanceof JetStreamApiError);

/** Advice for an operator when JetStream does not answer. */
function remedy(error: Error, domain: string | undefined): string {
  if (isMissing(error))
    return domain === undefined
      ? 'no server that this service reaches has JetStream: enable it there, or set NATS_JETSTREAM_DOMAIN on a leaf node'
      : `no server that this service reaches has JetStream with the domain ${domain}: check NATS_JETSTREAM_DOMAIN`;
  if (error instanceof JetStreamApiError) return `JetStream refuses: ${error.message}`;
  if (error instanceof TimeoutError) return `JetStream has not answered within ${TIMEOUT_MS} ms`;
  return error.message;
}

/**
 * Logs nats.jetstream_missing in the background until JetStream has answered once. The service runs without it: an
 * agent decides calls and buffers progress events.
 */
export function reportMissingJetStream(bus: Bus, lifecycle: Lifecycle, log: Log): void {
  const stopped = new AbortController();
  lifecycle.onStop('jetstream', () => stopped.abort());
  const check = async () => {
    for (let logged: string | undefined; !stopped.signal.aborted; ) {
      try {
        await bus.jetstreamManager({ timeout: TIMEOUT_MS });
        if (logged !== undefined) log.info('nats.jetstream_found');
        return;
      } catch (error) {
        const reason = remedy(error as Error, bus.domain);
        if (bus.connected && !stopped.signal.aborted && reason !== logged)
          log.error('nats.jetstream_missing', { error: reason });
        logged = bus.connected ? reason : logged;
      }
      await pause(AGAIN_MS, undefined, { signal: stopped.signal, ref: false }).catch(() => {});
    }
  };
  inBackground(log, 'check for JetStream', check());
}
