import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const FOLDERS = ['conf', 'log', 'db', 'run', 'storage', 'cache', 'recordings', 'certs', 'temp'] as const;
const STOP_MS = 15_000;

function binary(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const path = join(folder, 'freeswitch');
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Whether there is a `freeswitch` on the PATH. */
export const freeswitchFound = (): boolean => binary() !== undefined;

/** The folders that a FreeSWITCH wants, all private. */
export async function makeFolders(root: string): Promise<void> {
  await Promise.all(FOLDERS.map((name) => mkdir(join(root, name), { recursive: true })));
}

/** One `freeswitch` in the foreground of a child process; it finds its modules by itself. */
export class FreeSwitchProcess {
  readonly #child: ChildProcess;
  readonly #root: string;
  readonly #ended: Promise<void>;
  #running = true;
  #output = '';
  readonly #onExit = () => {
    this.#child.kill('SIGKILL');
    rmSync(this.#root, { recursive: true, force: true });
  };

  /** `flags` are more of FreeSWITCH's own, such as `-np`. */
  constructor(root: string, ...flags: readonly string[]) {
    const path = binary();
    if (path === undefined) throw new Error('there is no freeswitch on the PATH');
    this.#root = root;
    const folders = FOLDERS.flatMap((name) => [`-${name}`, join(root, name)]);
    this.#child = spawn(path, ['-nonat', '-nf', '-nc', ...flags, ...folders], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk).slice(-2000);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.#running = false;
        process.off('exit', this.#onExit);
        resolve();
      };
      this.#child.once('exit', end).once('error', end);
    });
    process.once('exit', this.#onExit);
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it last said, for an error message. */
  tail(): string {
    let log = '';
    try {
      log = readFileSync(join(this.#root, 'log', 'freeswitch.log'), 'utf8').slice(-2000);
    } catch {}
    return `${this.#output}\n${log}`.trim();
  }

  /** Ends the process in order, by force when it does not end by itself. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(force);
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
