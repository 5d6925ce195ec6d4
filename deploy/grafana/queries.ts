import type { Panel, Query } from './panels.ts';

/** What several dashboards ask, for all or for those that a filter lets through. */

export const RATE = '[$__rate_interval]';
export const NODE = 'dialhook_node=~"$node"';
export const ENDPOINT = 'dialhook_endpoint=~"$endpoint"';

export const query = (expr: string, legend: string): Query => ({ expr, legend });
export const rate = (metric: string, by: string, filter = ''): string =>
  `sum by (${by}) (rate(${metric}{${filter}}${RATE}))`;
export const quantile = (share: number, histogram: string, by: string, filter = ''): string => {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${share}, sum by (${labels}) (rate(${histogram}_bucket{${filter}}${RATE})))`;
};
export const quantiles = (histogram: string, filter = ''): Query[] =>
  [0.5, 0.95, 0.99].map((share) => query(quantile(share, histogram, '', filter), `p${share * 100}`));

/** Of all calls that ended the share that was answered. */
export const answered = (filter: string): string =>
  `sum(rate(dialhook_calls_ended_total{dialhook_answered="true",${filter}}${RATE})) / sum(rate(dialhook_calls_ended_total{${filter}}${RATE}))`;
/** Of two agents for a node each says it. */
export const active = (filter: string): string =>
  `sum(max by (dialhook_node) (dialhook_calls_active{${filter}}))`;

export const decisions = (filter: string): Panel => ({
  title: 'Decisions by result',
  unit: 'reqps',
  queries: [query(rate('dialhook_decisions_total', 'dialhook_result', filter), '{{dialhook_result}}')],
});
export const latency = (filter: string): Panel => ({
  title: 'Time to a decision',
  description: 'What the caller waits for.',
  unit: 's',
  queries: quantiles('dialhook_decision_duration_seconds', filter),
});
