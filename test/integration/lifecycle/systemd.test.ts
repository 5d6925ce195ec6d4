import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasSystemdNotify, notifySocket } from '#test/support/lifecycle/notify-socket.ts';
import { until } from '#test/support/until.ts';

const SCRIPT = join(import.meta.dirname, '../../support/lifecycle/example-service.ts');

/** The example service as systemd starts it: `received` has what it sends to the service manager. */
async function start(env: Record<string, string>) {
  const { path, received } = await notifySocket();
  const child = spawn(process.execPath, [SCRIPT], {
    env: { PATH: process.env['PATH'], NOTIFY_SOCKET: path, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const count = (line: string) => received.filter((one) => one === line).length;
  return { child, received, count };
}

// A host without systemd has no systemd-notify.
describe.skipIf(!hasSystemdNotify)('a service under systemd', () => {
  it('reports READY=1 once, when /readyz answers 200, and its failed checks until then', async () => {
    const { child, received, count } = await start({ HOW: 'unready until SIGHUP' });
    await until(() => expect(received).toContain('STATUS=part: not connected'));
    expect(count('READY=1')).toBe(0);
    child.kill('SIGHUP');
    await until(() => expect(count('READY=1')).toBe(1));
    expect(received).toContain('STATUS=ready');
  });

  it('reports WATCHDOG=1, and none while its event loop hangs', async () => {
    const [hung, other] = await Promise.all([
      start({ WATCHDOG_USEC: '300000' }),
      start({ WATCHDOG_USEC: '300000' }),
    ]);
    const reports = ({ count }: typeof hung) => count('WATCHDOG=1');
    await until(() => expect(reports(hung)).toBeGreaterThan(1));
    hung.child.kill('SIGSTOP');
    const [before, ofOther] = [reports(hung), reports(other)];
    await until(() => expect(reports(other)).toBeGreaterThan(ofOther + 10));
    // The shell may have read one line before.
    expect(reports(hung)).toBeLessThan(before + 3);
    hung.child.kill('SIGCONT');
    await until(() => expect(reports(hung)).toBeGreaterThan(before + 3));
  });

  it('ignores a watchdog that is meant for another process', async () => {
    const { count } = await start({ WATCHDOG_USEC: '30000', WATCHDOG_PID: '1' });
    await until(() => expect(count('READY=1')).toBe(1));
    expect(count('WATCHDOG=1')).toBe(0);
  });

  it('reports STOPPING=1 and how long the stop may take', async () => {
    const { child, received, count } = await start({ STOP_DEADLINE_MS: '40000' });
    await until(() => expect(count('READY=1')).toBe(1));
    child.kill('SIGTERM');
    await once(child, 'exit');
    await until(() => expect(received.slice(-2)).toEqual(['STOPPING=1', 'EXTEND_TIMEOUT_USEC=45000000']));
  });
});
