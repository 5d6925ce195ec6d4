import type { Log } from '#libs/telemetry/log.ts';

/** Returns the problem, or undefined when there is none. */
export type Check = () => string | undefined;

export interface Health {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** A check that throws has failed. */
function stateOf(check: Check): string {
  try {
    return check() ?? 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Readiness and shutdown of a service. `onStop` steps run one after the other, in the reverse order of their registration,
 * within one deadline for all.
 */
export class Lifecycle {
  readonly log: Log;
  readonly #deadlineMs: number;
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = [];
  readonly #checks = new Map<string, { readonly check: Check; readonly decides: () => boolean }>();
  #stopped: Promise<void> | undefined;

  constructor(log: Log, deadlineMs: number) {
    this.log = log;
    this.#deadlineMs = deadlineMs;
  }

  onStop(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop });
  }

  /** Adds a check to /readyz. A failing check makes the service unready only while `decides` returns true. */
  check(name: string, check: Check, decides: () => boolean = () => true): void {
    this.#checks.set(name, { check, decides });
  }

  get stopping(): boolean {
    return this.#stopped !== undefined;
  }

  health(): Health {
    const checks = Object.fromEntries([...this.#checks].map(([name, { check }]) => [name, stateOf(check)]));
    if (this.stopping) checks['lifecycle'] = 'stopping';
    const unready = [...this.#checks].some(([name, { decides }]) => decides() && checks[name] !== 'ok');
    return { ready: !unready && !this.stopping, checks };
  }

  /** Runs every step once, however often it is called. Resolves when all have ended or the deadline has passed. */
  stop(): Promise<void> {
    this.#stopped ??= Promise.resolve().then(() => this.#runSteps());
    return this.#stopped;
  }

  async #runSteps(): Promise<void> {
    let current = '';
    const all = async () => {
      for (const step of this.#steps.toReversed()) {
        current = step.name;
        try {
          await step.stop();
        } catch (error) {
          this.log.error('service.stop_step_failed', { err: error, step: step.name });
        }
      }
    };
    const { promise: deadline, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.log.error('service.stop_timeout', { step: current, deadline_ms: this.#deadlineMs });
      resolve();
    }, this.#deadlineMs);
    await Promise.race([all(), deadline]);
    clearTimeout(timer);
  }
}
