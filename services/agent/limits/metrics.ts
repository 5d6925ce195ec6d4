import type { LimitKey } from '#libs/contract/call-limits.ts';
import type { LimitStatus } from '#libs/contract/status.ts';
import { count, measureMs, observe } from '#libs/telemetry/metrics.ts';
import type { Verdict } from './want.ts';
import type { LimitSettings } from './wanted-places.ts';

/** Gateways in metrics besides those with a limit of their own in LIMITS. */
const MAX_VALUES = 100;

/** Counts the verdict of a place. A limit that LIMITS does not have is counted as `other`. */
export function countPlace(settings: LimitSettings, node: string, limit: LimitKey, verdict: Verdict): void {
  const name = settings.has(limit) ? limit : 'other';
  count('dialhook.limit.places', {
    'dialhook.node': node,
    'dialhook.limit': name,
    'dialhook.verdict': verdict,
  });
}

export const measureWait = (node: string, ms: number): void =>
  measureMs('dialhook.limit.wait', ms, { 'dialhook.node': node });

/**
 * Selects the limits that metrics show: those of LIMITS, and the first 100 gateways that `gw:*` has limited. They stay the
 * same, so that the number of time series is bounded: endpoints choose the names of all others.
 */
export function limitsInMetrics(
  settings: LimitSettings,
): (all: readonly LimitStatus[]) => readonly LimitStatus[] {
  const gateways = new Set<string>();
  const isShown = ({ limit }: LimitStatus): boolean => {
    if (settings.has(limit as LimitKey) || gateways.has(limit)) return true;
    if (!limit.startsWith('gw:') || gateways.size >= MAX_VALUES) return false;
    gateways.add(limit);
    return true;
  };
  return (all) => all.filter(isShown);
}

/** Registers the gauges of limits. */
export function observeLimits(settings: LimitSettings, limits: () => readonly LimitStatus[]): void {
  const select = limitsInMetrics(settings);
  const shown = () => select(limits());
  observe('dialhook.limit.used', () => shown().map(({ limit, used }) => [used, { 'dialhook.limit': limit }]));
  observe('dialhook.limit.max', () =>
    shown().flatMap(({ limit, max }) =>
      max === undefined ? [] : [[max, { 'dialhook.limit': limit }] as const],
    ),
  );
}
