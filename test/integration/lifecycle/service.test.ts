import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Runs the example service until it exits and calls `onLine` with each log line. */
async function run(
  env: Record<string, string>,
  onLine: (line: Line, kill: (signal: NodeJS.Signals) => void) => void,
) {
  const script = join(import.meta.dirname, '../../support/lifecycle/example-service.ts');
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'pipe',
  });
  const lines: Line[] = [];
  const errors: string[] = [];
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line, (signal) => child.kill(signal));
  });
  const [code] = await once(child, 'close');
  // The example service logs `service.stopping` with the name of each step that runs.
  const events = lines.map(({ event, step }) =>
    event === 'service.stopping' && step !== undefined ? `step ${step}` : event,
  );
  return { code, lines, errors, events };
}

const stopWith = (signal: NodeJS.Signals) => (line: Line, kill: (signal: NodeJS.Signals) => void) => {
  if (line['event'] === 'service.started') kill(signal);
};

describe('runService', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops in order at %s', async (signal) => {
    const { code, events, lines } = await run({}, stopWith(signal));
    expect(events).toEqual(['service.started', 'service.stopping', 'step second', 'step first']);
    expect(lines[0]).toMatchObject({ service: 'example', level: 'info', health_port: expect.any(Number) });
    expect(code).toBe(0);
  });

  it('exits with 78 on a Node with known vulnerabilities', async () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '24.21.0' })";
    const { code, errors, lines } = await run(
      { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(old)}` },
      () => {},
    );
    expect(errors).toEqual([
      expect.stringMatching(/^dialhook example: requires Node 24\.22\.1 or newer: 24\.21\.0 has known/),
    ]);
    expect(lines).toEqual([]);
    expect(code).toBe(78);
  });

  it('exits with 78 and one line for each invalid setting', async () => {
    const { code, errors, lines } = await run({ LOG_LEVEL: 'loud', HEALTH_PORT: '-1' }, () => {});
    expect(errors).toEqual([
      expect.stringMatching(/^dialhook example: LOG_LEVEL .* \(it is "loud"\)$/),
      'dialhook example: HEALTH_PORT must be a whole number from 0 to 65535 (it is "-1")',
    ]);
    expect(lines).toEqual([]);
    expect(code).toBe(78);
  });

  it.each([
    ['fault at start', 'at start'],
    ['uncaught', 'uncaught'],
    ['unhandled', 'unhandled'],
  ])('stops in order and exits with 1 after an uncaught error: %s', async (HOW, message) => {
    const { code, lines, events } = await run({ HOW }, () => {});
    expect(lines.filter(({ level }) => level === 'fatal')).toMatchObject([{ err: { message } }]);
    expect(events.slice(-2)).toEqual(['step second', 'step first']);
    expect(code).toBe(1);
  });

  it('runs the other stop steps when one fails', async () => {
    const { code, events } = await run({ HOW: 'faulty stop' }, stopWith('SIGTERM'));
    expect(events.slice(2)).toEqual(['step second', 'service.stop_step_failed', 'step first']);
    expect(code).toBe(0);
  });

  it('exits at the deadline when a stop step hangs', async () => {
    const { code, events } = await run({ HOW: 'endless stop', STOP_DEADLINE_MS: '50' }, stopWith('SIGTERM'));
    expect(events.slice(2)).toEqual(['step second', 'service.stop_timeout']);
    expect(code).toBe(0);
  });

  it('exits with 1 and names an address that is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { code, lines } = await run({ HEALTH_PORT: String(port) }, () => {});
    taken.close();
    expect(lines[0]).toMatchObject({
      level: 'fatal',
      err: { message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}` },
    });
    expect(code).toBe(1);
  });
});
