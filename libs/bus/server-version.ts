import type { Log } from '#libs/telemetry/log.ts';
import { isOlder } from '#libs/version/version.ts';
import type { Bus } from './connection.ts';

/**
 * With 2.9, replicas of a stream can differ after a change of leaders when two agents publish the same notifications:
 * messages that JetStream has acknowledged are not delivered. Seen with 2.9.10 and 2.9.25, not with 2.10.29 and 2.11.9.
 */
export const REPLICATED_SINCE = '2.10';

/** Logs nats.server_old, once for each version, when streams have replicas on servers that lose messages of them. */
export function reportOldServer(bus: Pick<Bus, 'nats' | 'onChange'>, replicas: number, log: Log): void {
  if (replicas < 2) return;
  const logged = new Set<string>();
  const check = () => {
    const { version = '' } = bus.nats.info ?? {};
    if (!isOlder(version, REPLICATED_SINCE) || logged.has(version)) return;
    logged.add(version);
    log.warn('nats.server_old', {
      server: bus.nats.getServer(),
      version,
      wanted: REPLICATED_SINCE,
      replicas,
    });
  };
  check();
  bus.onChange((connected) => {
    if (connected) check();
  });
}
