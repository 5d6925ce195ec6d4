import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess } from '#deploy/local/processes.ts';

export interface SupervisedOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** Whether it can do its work. */
  readonly ready: () => Promise<boolean>;
  /** Whether it is alive; asked every second while `watched`. */
  readonly alive?: () => Promise<boolean>;
}

const RESTART_MS = 1_000;
const PROBE_MS = 1_000;
const PROBES_FAILED = 2;
const POLL_MS = 50;

/**
 * A process with the care that systemd or Kubernetes takes: when it ends it is started again after a second, and when
 * it is `watched` and fails two probes in a row it is killed.
 */
export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  #process: ManagedProcess | undefined;
  #held = false;
  #over = false;
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
      if (!this.#held && !this.#over) this.#startLater();
    });
  }

  /** As a crash ends it. It comes back after a second. */
  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  /** In order. It comes back after a second. */
  terminate(): void {
    this.#process?.signal('SIGTERM');
  }

  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Kills it and does not let it come back before `release`. */
  async holdDown(): Promise<void> {
    this.#held = true;
    this.kill();
    await this.#gone();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.start();
  }

  /** From now on it is killed when it does not answer. */
  watch(): void {
    let failed = 0;
    const { alive } = this.#options;
    if (!alive || this.#watching) return;
    this.#watching = setInterval(async () => {
      const starts = this.#starts;
      const fine = !this.running || (await alive());
      if (starts !== this.#starts) return;
      failed = fine ? 0 : failed + 1;
      if (failed < PROBES_FAILED) return;
      failed = 0;
      this.kill();
    }, PROBE_MS);
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

  /** Until it has ended and come back. */
  async untilStartedAgain(starts: number, withinMs: number): Promise<void> {
    for (const deadline = Date.now() + withinMs; this.#starts <= starts; await sleep(POLL_MS))
      if (Date.now() > deadline) throw new Error(`${this.name} has not ended within ${withinMs / 1000} s`);
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    this.#over = true;
    this.unwatch();
    clearTimeout(this.#starting);
    this.kill();
    await this.#gone();
  }

  #startLater(): void {
    this.#starting = setTimeout(() => {
      if (!this.#held && !this.#over) this.start();
    }, RESTART_MS);
  }

  #gone(): Promise<void> {
    const ending = this.#process;
    return ending ? new Promise((resolve) => ending.onExit(() => resolve())) : Promise.resolve();
  }
}
