import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '#test/support/until.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TIMEOUT_MS = 120_000;

const npm = (cwd: string, ...args: string[]): ChildProcess => spawn('npm', args, { cwd, detached: true });

/** All processes below one, by /proc. */
function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // The process ended meanwhile.
    }
  }
  const below = (one: number): number[] =>
    (children.get(one) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** A zombie that its new parent has not reaped yet does not count. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it('npm start -- --help prints the options without installing anything', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialhook-help-'));
  try {
    for (const file of [
      'package.json',
      'package-lock.json',
      'deploy/local/prepare.mjs',
      'deploy/local/usage.txt',
    ])
      cpSync(join(ROOT, file), join(folder, file), { recursive: true });
    const child = npm(folder, 'start', '--silent', '--', '--help');
    const [printed] = await Promise.all([child.stdout ? text(child.stdout) : '', once(child, 'close')]);
    expect(printed).toBe(readFileSync(join(ROOT, 'deploy/local/usage.txt'), 'utf8'));
    expect(child.exitCode).toBe(0);
    expect(existsSync(join(folder, 'node_modules'))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.skipIf(process.platform !== 'linux')('npm start', () => {
  const left = new Set<number>();

  beforeAll(() => {
    // The packages that run this test are installed: `npm start` must not replace them meanwhile.
    const stamp = join(ROOT, 'node_modules/.dialhook-lock');
    const lock = createHash('sha256')
      .update(readFileSync(join(ROOT, 'package-lock.json')))
      .digest('hex');
    const before = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
    writeFileSync(stamp, lock);
    return () => (before === undefined ? rmSync(stamp, { force: true }) : writeFileSync(stamp, before));
  });
  afterEach(() => {
    for (const pid of left) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    left.clear();
  });

  /** Starts a cluster. Resolves with npm, the processes below it and the address of the console. */
  async function start(): Promise<{ npm: ChildProcess; pids: number[]; console: string }> {
    const child = npm(ROOT, 'start');
    const { pid = 0 } = child;
    left.add(pid);
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        printed += data.toString();
      });
    const address = () => /Console: (http:\/\/[^/]+)/.exec(printed)?.[1];
    for (const deadline = Date.now() + TIMEOUT_MS; address() === undefined; ) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`npm start failed: ${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const pids = descendants(pid);
    for (const one of pids) left.add(one);
    return { npm: child, pids, console: address() ?? '' };
  }

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves no process and no port behind when npm gets %s',
    async (signal) => {
      const running = await start();
      // prepare.mjs, main.ts, NATS, Redis, a notifier, two routers, two agents and the console.
      expect(running.pids.length).toBeGreaterThanOrEqual(10);
      expect((await fetch(running.console)).status).toBe(200);
      const ended = once(running.npm, 'exit');
      running.npm.kill(signal);
      await ended;
      if (signal === 'SIGTERM') expect(running.pids.filter(isRunning)).toEqual([]);
      await until('every process has ended', () => !running.pids.some(isRunning));
      await expect(fetch(running.console)).rejects.toThrow();
    },
    TIMEOUT_MS,
  );
});
