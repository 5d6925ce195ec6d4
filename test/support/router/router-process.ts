import { ManagedProcess } from '#deploy/local/processes.ts';
import { until } from '#test/support/until.ts';

export interface RouterProcess extends AsyncDisposable {
  /** Sends SIGSTOP: its connections stay open. */
  pause(): void;
  resume(): void;
}

/** A router in its own process, subscribed to requests. */
export async function startRouterProcess(env: Record<string, string>): Promise<RouterProcess> {
  let started = false;
  const child = new ManagedProcess({
    name: 'router',
    command: 'node_modules/.bin/node',
    args: ['services/router/main.ts'],
    env: { LOG_LEVEL: 'info', HEALTH_PORT: '0', ...env },
    deathSignal: 'SIGKILL',
    onLine: (line) => {
      started ||= line.includes('service.started');
    },
  });
  await until('the router runs', () => started);
  return {
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      child.signal('SIGCONT');
      await child.stop();
    },
  };
}
