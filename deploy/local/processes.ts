import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Every line the process writes, on either stream. */
  readonly onLine: (line: string) => void;
  /** What it gets when we end; SIGTERM without it. Only SIGKILL ends one that is stopped. */
  readonly deathSignal?: 'SIGTERM' | 'SIGKILL';
}

const STOP_MS = 15_000;

/** On Linux the kernel ends the process with us, even when we are killed before we can. */
const dieWithParent = (signal: string) => ['setpriv', '--pdeathsig', signal, '--'];
const canDieWithParent = spawnSync('setpriv', ['--pdeathsig', 'SIGTERM', '--', 'true']).status === 0;

/** One process of the local cluster, in a process group of its own so that Ctrl-C reaches only the one who orders. */
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

  /** Calls back when the process ends, whatever ended it. */
  onExit(callback: (code: number | null) => void): void {
    void this.#exited.then(() => callback(this.#child.exitCode));
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL after 15 s. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
