import { Bus } from '#libs/bus/connection.ts';
import { type Health, Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { type Agent, startAgent } from '#services/agent/agent.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';

/** A port that refuses connections. */
const NO_FREESWITCH = 1;

/** An agent in the test's process. */
export interface TestAgent extends Agent {
  readonly port: number;
  readonly bus: Bus;
  readonly lines: LogLine[];
  /** Log lines of socket connections that failed or were refused. */
  readonly errors: () => LogLine[];
  readonly health: () => Health;
  stop(): Promise<void>;
}

/** Without FREESWITCH_PORT in `env` the agent handles calls and receives no events. */
export async function startTestAgent(
  natsUrl: string,
  env: NodeJS.ProcessEnv = {},
  tuning: Parameters<typeof startAgent>[4] = {},
): Promise<TestAgent> {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(natsUrl, 'agent', lifecycle, log);
  const config = readAgentConfig({ FREESWITCH_PORT: String(NO_FREESWITCH), SOCKET_PORT: '0', ...env });
  const agent = await startAgent(config, bus, lifecycle, log, tuning);
  return {
    ...agent,
    port: agent.server.port,
    bus,
    lines,
    errors: () =>
      lines.filter(({ event }) => /^(?:socket\.connection_failed|network\.connection_refused)$/.test(event)),
    health: () => lifecycle.health(),
    stop: () => lifecycle.stop(),
  };
}
