import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const STOP_MS = 10_000;

/** CPU seconds that the processes have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** A Node process with an IPC channel. Its output goes to a file. It ends with its parent. */
export class Child {
  readonly name: string;
  readonly #child: ChildProcess;
  #pending: Promise<unknown> = Promise.resolve();
  #reply = Promise.withResolvers<unknown>();

  constructor(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    output = '/dev/null',
  ) {
    this.name = name;
    const file = openSync(output, 'a');
    this.#child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', file, file, 'ipc'],
    });
    closeSync(file);
    this.#child.on('error', () => {});
    this.#child.on('message', (message) => this.#reply.resolve(message));
    this.#child.on('exit', () => this.#reply.reject(new Error(`${name} ended`)));
    this.#reply.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a message and resolves with the next message received. Requests run one after the other. */
  request<T>(message: string | object): Promise<T> {
    const answer = this.#pending.then(() => {
      if (!this.running) throw new Error(`${this.name} ended`);
      this.#reply = Promise.withResolvers();
      this.#child.send(message);
      return this.#reply.promise as Promise<T>;
    });
    this.#pending = answer.catch(() => {});
    return answer;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  }
}
