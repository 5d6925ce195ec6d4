import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of standard output and standard error. */
  readonly onLine: (line: string) => void;
  /** Signal that the kernel sends when this process dies (Linux). Default SIGTERM; use SIGKILL for a process that may be stopped by SIGSTOP. */
  readonly deathSignal?: 'SIGTERM' | 'SIGKILL';
}

const STOP_MS = 15_000;

/** On Linux the kernel signals the process when this one dies, even by SIGKILL. */
const dieWithParent = (signal: string) => ['setpriv', '--pdeathsig', signal, '--'];
const canDieWithParent = spawnSync('setpriv', ['--pdeathsig', 'SIGTERM', '--', 'true']).status === 0;

/** A child process. It has its own process group, so that Ctrl-C reaches only this process, which stops it in order. */
export class ManagedProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #ended = false;

  constructor({ name, command, args, env = {}, onLine, deathSignal = 'SIGTERM' }: ProcessOptions) {
    this.name = name;
    const prefix = canDieWithParent ? dieWithParent(deathSignal) : [];
    const [program = command, ...rest] = [...prefix, command, ...args];
    this.#child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#exited = once(this.#child, 'close')
      .catch((error: Error) => onLine(`${command}: ${error.message}`))
      .finally(() => {
        this.#ended = true;
      });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream) createInterface({ input: stream }).on('line', onLine);
  }

  get running(): boolean {
    return !this.#ended;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Called when the process ends for any reason. */
  onExit(callback: (code: number | null) => void): void {
    this.#exited.then(
      () => callback(this.#child.exitCode),
      () => {},
    );
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Sends SIGTERM, and SIGKILL after 15 s. Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
