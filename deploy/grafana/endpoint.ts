import type { Dashboard } from './panels.ts';
import { decisions, ENDPOINT, latency, quantile, quantiles, query, rate } from './queries.ts';

export const endpoint: Dashboard = {
  name: 'endpoint',
  title: 'endpoint',
  variables: [
    {
      name: 'endpoint',
      label: 'Endpoint',
      values: { metric: 'http_client_request_duration_seconds_count', label: 'dialhook_endpoint' },
    },
  ],
  rows: [
    {
      title: 'HTTP requests',
      panels: [
        {
          title: 'HTTP requests by service',
          unit: 'reqps',
          queries: [query(rate('http_client_request_duration_seconds_count', 'job', ENDPOINT), '{{job}}')],
        },
        {
          title: 'Failures',
          unit: 'reqps',
          queries: [
            query(
              rate('http_client_request_duration_seconds_count', 'error_type', `error_type!="",${ENDPOINT}`),
              '{{error_type}}',
            ),
          ],
        },
        {
          title: 'Duration',
          unit: 's',
          queries: quantiles('http_client_request_duration_seconds', ENDPOINT),
        },
        {
          title: 'Phases, p95',
          unit: 's',
          queries: [
            query(
              quantile(0.95, 'dialhook_endpoint_phase_duration_seconds', 'dialhook_phase', ENDPOINT),
              '{{dialhook_phase}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Decisions',
      panels: [
        decisions(ENDPOINT),
        latency(ENDPOINT),
        {
          title: 'Decision cache',
          description:
            'hit: decided without a request. stale: decided because the request failed. miss: no cached decision was used.',
          unit: 'reqps',
          queries: [
            query(
              rate('dialhook_decision_cache_lookups_total', 'dialhook_cache', ENDPOINT),
              '{{dialhook_cache}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Notifications',
      panels: [
        {
          title: 'Delivery attempts by outcome',
          unit: 'reqps',
          queries: [
            query(
              rate('dialhook_notification_attempts_total', 'dialhook_outcome', ENDPOINT),
              '{{dialhook_outcome}}',
            ),
          ],
        },
        {
          title: 'Time from event to delivery',
          unit: 's',
          queries: quantiles('dialhook_notification_lag_seconds', ENDPOINT),
        },
        {
          title: 'New dead letters by reason',
          unit: 'reqps',
          queries: [
            query(
              rate('dialhook_dead_letters_kept_total', 'dialhook_reason', ENDPOINT),
              '{{dialhook_reason}}',
            ),
          ],
        },
        {
          title: 'Circuit state (0 closed, 1 half open, 2 open) and delivery state',
          queries: [
            query(
              `max by (dialhook_endpoint) (dialhook_breaker_state{${ENDPOINT}})`,
              '{{dialhook_endpoint}} circuit',
            ),
            query(
              `max by (dialhook_endpoint, dialhook_endpoint_state) (dialhook_endpoint_trouble{${ENDPOINT}})`,
              '{{dialhook_endpoint}} {{dialhook_endpoint_state}}',
            ),
          ],
        },
      ],
    },
  ],
};
