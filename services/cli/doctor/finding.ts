/** The areas that `dialhook doctor` checks. `host` is the host that it runs on. */
export const AREAS = ['host', 'freeswitch', 'nats', 'redis', 'endpoint'] as const;
export type Area = (typeof AREAS)[number];

/**
 * `error`: calls or notifications fail. `warning`: they work, and something is risky, slow, or could not be checked.
 */
export type Level = 'ok' | 'warning' | 'error';

/** The result of one check. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** The measured or configured state, without secrets. */
  readonly found: string;
  /** The action that resolves it. Every warning and error has one. */
  readonly remedy?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found });
export const warning = (check: string, found: string, remedy: string): Finding => ({
  check,
  level: 'warning',
  found,
  remedy,
});
export const error = (check: string, found: string, remedy: string): Finding => ({
  check,
  level: 'error',
  found,
  remedy,
});
