import { ConfigError } from '#libs/config/config.ts';
import { createLog, type Log } from '#libs/telemetry/log.ts';
import { observe, startMetrics } from '#libs/telemetry/metrics.ts';
import { observeProcess } from '#libs/telemetry/process-metrics.ts';
import { severityPrefix } from '#libs/telemetry/severity.ts';
import { startTracing } from '#libs/telemetry/tracing.ts';
import { serveHealth } from './health-server.ts';
import { Lifecycle } from './lifecycle.ts';
import { nodeRefusal } from './node-version.ts';
import { Systemd } from './systemd.ts';

const EXIT_CONFIG = 78;
const STDERR = 2;

/** Ends a process that must not start, with the reasons on standard error. */
function refuse(service: string, reasons: readonly string[]): never {
  const severity = severityPrefix(STDERR)('error');
  for (const reason of reasons) console.error(`${severity}dialhook ${service}: ${reason}`);
  process.exit(EXIT_CONFIG);
}

interface ServiceConfig {
  readonly LOG_LEVEL: string;
  readonly LOG_NUMBERS: 'full' | 'masked';
  readonly HEALTH_HOST: string;
  readonly HEALTH_PORT: number;
  readonly METRICS_MAX_ENDPOINTS: number;
  readonly STOP_DEADLINE_MS: number;
}

function configOrExit<C>(service: string, read: () => C): C {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refuse(service, error.message.split('\n'));
  }
}

/**
 * Runs a service: reads its configuration, starts log, traces, metrics and health server, then calls `start`. SIGTERM and
 * SIGINT stop it in order. systemd gets its state. Exit codes: 0 after a stop, 1 after an uncaught error, 78 for an invalid
 * configuration or a Node that must not be used.
 */
export async function runService<C extends ServiceConfig>(
  service: string,
  readServiceConfig: () => C,
  start: (config: C, lifecycle: Lifecycle, log: Log) => Promise<void>,
): Promise<void> {
  const refusal = nodeRefusal(process.versions.node);
  if (refusal) refuse(service, [refusal]);
  const config = configOrExit(service, readServiceConfig);
  const log = createLog(service, { level: config.LOG_LEVEL, numbers: config.LOG_NUMBERS });
  const lifecycle = new Lifecycle(log, config.STOP_DEADLINE_MS);
  const systemd = new Systemd(process.env, () => lifecycle.health(), log);
  const end = (code: number) => {
    systemd.stopping(config.STOP_DEADLINE_MS);
    const exit = () => process.exit(code);
    lifecycle.stop().then(exit, exit);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      log.info('service.stopping', { signal });
      end(0);
    });
  process.on('uncaughtException', (err, origin) => {
    log.fatal(
      origin === 'unhandledRejection' ? 'service.unhandled_rejection' : 'service.uncaught_exception',
      { err },
    );
    end(1);
  });
  lifecycle.onStop('traces', startTracing(service));
  const metrics = startMetrics(service, config.METRICS_MAX_ENDPOINTS);
  lifecycle.onStop('metrics', metrics.stop);
  lifecycle.onStop('process metrics', observeProcess());
  observe('dialhook.ready', () =>
    Object.entries(lifecycle.health().checks).map(([name, state]) => [
      state === 'ok' ? 1 : 0,
      { 'dialhook.check': name },
    ]),
  );
  const { HEALTH_HOST, HEALTH_PORT } = config;
  const healthPort = await serveHealth(lifecycle, HEALTH_HOST, HEALTH_PORT, metrics.scrape);
  await start(config, lifecycle, log);
  systemd.started();
  log.info('service.started', { health_port: healthPort, pid: process.pid });
}
