import type { Panel, Query } from './panels.ts';

/** PromQL queries and panels shared by several dashboards. `filter` is a list of PromQL label matchers, or empty. */

export const RATE = '[$__rate_interval]';
export const NODE = 'dialhook_node=~"$node"';
export const ENDPOINT = 'dialhook_endpoint=~"$endpoint"';

export const query = (expr: string, legend: string): Query => ({ expr, legend });
export const rate = (metric: string, by: string, filter = ''): string =>
  `sum by (${by}) (rate(${metric}{${filter}}${RATE}))`;
export const total = (metric: string): string => `sum(rate(${metric}${RATE}))`;
export const quantile = (share: number, histogram: string, by: string, filter = ''): string => {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${share}, sum by (${labels}) (rate(${histogram}_bucket{${filter}}${RATE})))`;
};
export const quantiles = (histogram: string, filter = ''): Query[] =>
  [0.5, 0.95, 0.99].map((share) => query(quantile(share, histogram, '', filter), `p${share * 100}`));

/** The share of ended calls that were answered. */
export const answered = (filter: string): string =>
  `sum(rate(dialhook_calls_ended_total{dialhook_answered="true",${filter}}${RATE})) / sum(rate(dialhook_calls_ended_total{${filter}}${RATE}))`;
/** Live calls. Both agents of a node report the same calls, hence `max`. */
export const active = (filter: string): string =>
  `sum(max by (dialhook_node) (dialhook_calls_active{${filter}}))`;

/** Gateways that have failed last. Both agents of a node report the same ones, hence `max`. */
export const resting = (filter: string): Query =>
  query(
    `max by (dialhook_node, dialhook_gateway) (dialhook_gateway_resting{${filter}})`,
    '{{dialhook_node}} {{dialhook_gateway}}',
  );

export const decisions = (filter: string): Panel => ({
  title: 'Decisions by result',
  unit: 'reqps',
  queries: [query(rate('dialhook_decisions_total', 'dialhook_result', filter), '{{dialhook_result}}')],
});
export const latency = (filter: string): Panel => ({
  title: 'Time to decision',
  description: 'How long the caller waits.',
  unit: 's',
  queries: quantiles('dialhook_decision_duration_seconds', filter),
});
