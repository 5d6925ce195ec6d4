import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { owned } from '#test/support/owned.ts';

export interface SupervisedOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** Readiness check. */
  readonly ready: () => Promise<boolean>;
  /** Liveness check, every second while `watch` is active. */
  readonly alive?: () => Promise<boolean>;
}

const RESTART_MS = 1_000;
const PROBE_MS = 1_000;
const PROBES_FAILED = 2;
const POLL_MS = 50;

/**
 * A process under a supervisor like systemd or Kubernetes: it is restarted one second after it ends, and while `watch`
 * is active it is killed after two failed liveness checks in a row.
 */
export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  #process: ManagedProcess | undefined;
  #heldDown = false;
  #ended = false;
  #watching: NodeJS.Timeout | undefined;
  #starting: NodeJS.Timeout | undefined;
  #starts = 0;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get starts(): number {
    return this.#starts;
  }

  start(): void {
    const { ready: _, alive: __, onLine = () => {}, ...options } = this.#options;
    this.#starts++;
    const started = new ManagedProcess({ ...options, onLine, deathSignal: 'SIGKILL' });
    this.#process = started;
    started.onExit(() => {
      if (!this.#heldDown && !this.#ended) this.#startLater();
    });
  }

  /** Sends SIGKILL. The supervisor restarts it. */
  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  /** Sends SIGTERM. The supervisor restarts it. */
  terminate(): void {
    this.#process?.signal('SIGTERM');
  }

  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Sends SIGKILL and does not restart it before `release`. */
  async holdDown(): Promise<void> {
    this.#heldDown = true;
    this.kill();
    await this.#gone();
  }

  release(): void {
    if (!this.#heldDown) return;
    this.#heldDown = false;
    this.start();
  }

  /** Starts liveness checks. */
  watch(): void {
    let failed = 0;
    const { alive } = this.#options;
    if (!alive || this.#watching) return;
    const probe = async () => {
      const starts = this.#starts;
      const healthy = !this.running || (await alive());
      if (starts !== this.#starts) return;
      failed = healthy ? 0 : failed + 1;
      if (failed < PROBES_FAILED) return;
      failed = 0;
      this.kill();
    };
    this.#watching = setInterval(owned(probe), PROBE_MS);
  }

  unwatch(): void {
    clearInterval(this.#watching);
    this.#watching = undefined;
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  isReady(): Promise<boolean> {
    return this.running ? this.#options.ready() : Promise.resolve(false);
  }

  async untilReady(withinMs: number): Promise<void> {
    for (const deadline = Date.now() + withinMs; !(await this.isReady()); await sleep(POLL_MS))
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready after ${withinMs / 1000} s`);
  }

  /** Waits until it has been started more than `starts` times. */
  async untilStartedAgain(starts: number, withinMs: number): Promise<void> {
    for (const deadline = Date.now() + withinMs; this.#starts <= starts; await sleep(POLL_MS))
      if (Date.now() > deadline) throw new Error(`${this.name} has not ended within ${withinMs / 1000} s`);
  }

  /** Kills it and does not restart it. */
  async end(): Promise<void> {
    this.#ended = true;
    this.unwatch();
    clearTimeout(this.#starting);
    this.kill();
    await this.#gone();
  }

  #startLater(): void {
    this.#starting = setTimeout(() => {
      if (!this.#heldDown && !this.#ended) this.start();
    }, RESTART_MS);
  }

  #gone(): Promise<void> {
    const ending = this.#process;
    return ending ? new Promise((resolve) => ending.onExit(() => resolve())) : Promise.resolve();
  }
}
