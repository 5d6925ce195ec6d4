import { count, endpointOfMetrics, observe } from '#libs/telemetry/metrics.ts';
import type { Breakers } from './breakers.ts';
import type { DecisionCache } from './decision-cache.ts';

/** Registers the gauges of a decision service. The endpoints counted together as `other` report the worst breaker state among them. */
export function observeDecisions(breakers: Breakers, cache: DecisionCache): void {
  observe('dialhook.decision_cache.size', () => [[cache.size, {}]]);
  observe('dialhook.breaker.state', () => {
    const worst = new Map<string, number>();
    for (const [origin, state] of breakers.states()) {
      const endpoint = endpointOfMetrics(origin);
      worst.set(endpoint, Math.max(worst.get(endpoint) ?? 0, state));
    }
    return [...worst].map(([endpoint, state]) => [state, { 'dialhook.endpoint': endpoint }]);
  });
}

/** Counts a request that the cache of decisions covers. */
export const countCacheUse = (outcome: 'hit' | 'stale' | 'miss', url: string): void =>
  count('dialhook.decision_cache.lookups', {
    'dialhook.cache': outcome,
    'dialhook.endpoint': endpointOfMetrics(url),
  });
