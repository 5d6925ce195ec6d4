import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Runs the example service until it ends; `onLine` sees its log as it comes. */
async function run(
  env: Record<string, string>,
  onLine: (line: Line, kill: (signal: NodeJS.Signals) => void) => void,
) {
  const script = join(import.meta.dirname, 'example-service.ts');
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'pipe',
  });
  const lines: Line[] = [];
  const words: string[] = [];
  createInterface(child.stderr).on('line', (line) => words.push(line));
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line, (signal) => child.kill(signal));
  });
  const [code] = await once(child, 'close');
  return { code, lines, words, messages: lines.map(({ message }) => message) };
}

const stopWith = (signal: NodeJS.Signals) => (line: Line, kill: (signal: NodeJS.Signals) => void) => {
  if (line['event'] === 'service.started') kill(signal);
};

describe('runService', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order at %s', async (signal) => {
    const { code, messages, lines } = await run({}, stopWith(signal));
    expect(messages).toEqual(['started', 'stopping', 'second step', 'first step']);
    expect(lines[0]).toMatchObject({ service: 'example', level: 'info', health_port: expect.any(Number) });
    expect(code).toBe(0);
  });

  it('ends at once for a wrong configuration, one line for each variable', async () => {
    const { code, words, lines } = await run({ LOG_LEVEL: 'loud', HEALTH_PORT: '-1' }, () => {});
    expect(words).toEqual([
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
  ])('ends in order and with 1 after a fault: %s', async (HOW, words) => {
    const { code, lines, messages } = await run({ HOW }, () => {});
    expect(lines.filter(({ level }) => level === 'fatal')).toMatchObject([{ err: { message: words } }]);
    expect(messages.slice(-2)).toEqual(['second step', 'first step']);
    expect(code).toBe(1);
  });

  it('ends when a step of its end is faulty', async () => {
    const { code, messages } = await run({ HOW: 'faulty stop' }, stopWith('SIGTERM'));
    expect(messages.slice(2)).toEqual(['second step', 'service.stop_step_failed', 'first step']);
    expect(code).toBe(0);
  });

  it('ends at its deadline when a step hangs', async () => {
    const { code, messages } = await run(
      { HOW: 'endless stop', STOP_DEADLINE_MS: '50' },
      stopWith('SIGTERM'),
    );
    expect(messages.slice(2)).toEqual(['second step', 'service.stop_timeout']);
    expect(code).toBe(0);
  });

  it('says which address is in use', async () => {
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
