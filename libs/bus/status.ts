import { setTimeout as sleep } from 'node:timers/promises';
import { BUS } from '#libs/contract/messages.ts';
import {
  type EndpointStatus,
  type GatewayStatus,
  type LimitStatus,
  type ServiceStatus,
  STATUS_INTERVAL_MS,
} from '#libs/contract/status.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { EventLoopDelay } from '#libs/telemetry/event-loop.ts';
import { serviceInstance } from '#libs/telemetry/instance.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { Bus } from './connection.ts';

const STARTED = new Date(performance.timeOrigin).toISOString();

export interface StatusSource {
  readonly service: ServiceStatus['service'];
  readonly node?: () => string | undefined;
  /** Counts by name. A count that is not available is left out. */
  readonly figures: () => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
  readonly endpoints?: () => EndpointStatus[];
  readonly limits?: () => LimitStatus[];
  readonly gateways?: () => GatewayStatus[];
}

const figuresOf = async (source: StatusSource) => source.figures();

const unlessEmpty = <Name extends 'limits' | 'gateways', Item>(name: Name, list: Item[] = []) =>
  list.length === 0 ? {} : ({ [name]: list } as { [N in Name]: Item[] });

/**
 * Publishes the status of this process at intervals and once when the service begins to stop. Call it last when
 * starting a service: stop steps run in reverse order.
 */
export function publishStatus(
  bus: Bus,
  lifecycle: Lifecycle,
  source: StatusSource,
  intervalMs = STATUS_INTERVAL_MS,
): void {
  const eventLoop = new EventLoopDelay();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const processFigures = () => ({
    memory_rss_bytes: process.memoryUsage.rss(),
    event_loop_delay_p99_ms: Math.round(eventLoop.take().p99Ms * 10) / 10,
  });
  const publish = (figures: Readonly<Record<string, number>>) => {
    const { ready, checks } = lifecycle.health();
    const node = source.node?.();
    const status: ServiceStatus = {
      v: 1,
      service: source.service,
      instance: serviceInstance(source.service),
      ...(node === undefined ? {} : { node }),
      version: packageJson.version,
      time: new Date().toISOString(),
      started: STARTED,
      ready,
      checks: { ...checks },
      figures: { ...figures, ...processFigures() },
      ...(source.endpoints ? { endpoints: source.endpoints() } : {}),
      ...unlessEmpty('limits', source.limits?.()),
      ...unlessEmpty('gateways', source.gateways?.()),
    };
    if (bus.connected) bus.nats.publish(BUS.status, JSON.stringify(status));
  };
  const publishOnce = async () => {
    const late = sleep(intervalMs, {}, { ref: false });
    const figures = await Promise.race([figuresOf(source), late]);
    if (!stopped) publish(figures);
  };
  const publishAndRepeat = () => {
    const published = publishOnce().finally(() => {
      if (!stopped) timer = setTimeout(publishAndRepeat, intervalMs);
    });
    inBackground(lifecycle.log, 'status', published);
  };
  publishAndRepeat();
  lifecycle.onStop('status', () => {
    stopped = true;
    clearTimeout(timer);
    publish({});
    eventLoop.stop();
  });
}
