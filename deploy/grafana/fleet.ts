import type { Dashboard } from './panels.ts';
import {
  active,
  answered,
  decisions,
  latency,
  quantiles,
  query,
  RATE,
  rate,
  resting,
  total,
} from './queries.ts';

const PROCESS = '{{job}} {{instance}}';

export const fleet: Dashboard = {
  name: 'fleet',
  title: 'fleet',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        { title: 'Live calls', kind: 'stat', queries: [query(active(''), '')] },
        {
          title: 'Share decided',
          kind: 'stat',
          unit: 'percentunit',
          queries: [
            query(
              `sum(rate(dialhook_decisions_total{dialhook_result="decided"}${RATE})) / sum(rate(dialhook_decisions_total${RATE}))`,
              '',
            ),
          ],
        },
        { title: 'Share answered', kind: 'stat', unit: 'percentunit', queries: [query(answered(''), '')] },
        { title: 'Dead letters', kind: 'stat', queries: [query('max(dialhook_dead_letters)', '')] },
      ],
    },
    { title: 'Decisions', panels: [decisions(''), latency('')] },
    {
      title: 'Notifications',
      panels: [
        {
          title: 'Delivery attempts by outcome',
          unit: 'reqps',
          queries: [
            query(rate('dialhook_notification_attempts_total', 'dialhook_outcome'), '{{dialhook_outcome}}'),
          ],
        },
        {
          title: 'Time from event to delivery',
          unit: 's',
          queries: quantiles('dialhook_notification_lag_seconds'),
        },
        {
          title: 'Waiting notifications',
          queries: [
            query('sum(dialhook_notifications_buffered)', 'buffered by agents'),
            query('sum(dialhook_live_calls_buffered)', 'writes of live calls buffered by agents'),
            query('max by (dialhook_stream) (dialhook_jetstream_messages)', 'in {{dialhook_stream}}'),
            query(
              'max by (dialhook_job_state) (dialhook_queue_jobs)',
              'calls {{dialhook_job_state}} in Redis',
            ),
          ],
        },
      ],
    },
    {
      title: 'Limits and gateways',
      panels: [
        {
          title: 'Used share of each limit',
          unit: 'percentunit',
          queries: [
            query(
              'max by (dialhook_limit) (dialhook_limit_used) / max by (dialhook_limit) (dialhook_limit_max)',
              '{{dialhook_limit}}',
            ),
          ],
        },
        {
          title: 'Places refused or not checked',
          description: 'max, rate: the limit was reached. unchecked: JetStream did not answer in time.',
          unit: 'reqps',
          queries: [
            query(
              rate(
                'dialhook_limit_places_total',
                'dialhook_limit, dialhook_verdict',
                'dialhook_verdict!="taken"',
              ),
              '{{dialhook_limit}} {{dialhook_verdict}}',
            ),
          ],
        },
        {
          title: 'Time to the places of a call',
          unit: 's',
          queries: quantiles('dialhook_limit_wait_seconds'),
        },
        {
          title: 'Resting gateways',
          description: '1: the gateway rests and is tried last; 0: it has failed last and does not rest.',
          queries: [resting('')],
        },
      ],
    },
    {
      title: 'Faults',
      panels: [
        {
          title: 'Poison entries set aside',
          unit: 'reqps',
          queries: [query(rate('dialhook_entries_set_aside_total', 'dialhook_entry'), '{{dialhook_entry}}')],
        },
        {
          title: 'Dropped and repaired',
          description: 'Each of these is 0 in a healthy cluster.',
          unit: 'reqps',
          queries: [
            query(total('dialhook_notifications_dropped_total'), 'notifications dropped'),
            query(total('dialhook_live_calls_dropped_total'), 'writes of live calls dropped'),
            query(total('dialhook_live_calls_closed_early_total'), 'calls closed early'),
            query(total('dialhook_queue_jobs_lost_total'), 'retry jobs lost and queued again'),
            query(total('dialhook_sounds_unknown_total'), 'unknown sounds'),
            query(total('dialhook_requests_hedged_total'), 'requests hedged'),
          ],
        },
        {
          title: 'Used share of max_bytes',
          unit: 'percentunit',
          queries: [query('max by (dialhook_stream) (dialhook_jetstream_fill_ratio)', '{{dialhook_stream}}')],
        },
        { title: 'Decisions in the cache', queries: [query('dialhook_decision_cache_size', PROCESS)] },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'Readiness checks',
          description: '1: the check of /readyz passes; 0: it fails.',
          queries: [query('min by (job, dialhook_check) (dialhook_ready)', '{{job}} {{dialhook_check}}')],
        },
        { title: 'Calls in flight', queries: [query('dialhook_calls_in_flight', PROCESS)] },
        {
          title: 'CPU',
          unit: 'percentunit',
          queries: [query(rate('process_cpu_time_seconds_total', 'job, instance'), PROCESS)],
        },
        { title: 'Memory', unit: 'bytes', queries: [query('process_memory_usage_bytes', PROCESS)] },
        {
          title: 'Event loop delay, p99',
          unit: 's',
          queries: [query('nodejs_eventloop_delay_p99_seconds', PROCESS)],
        },
        {
          title: 'Garbage collection, share of time',
          unit: 'percentunit',
          queries: [query(rate('v8js_gc_duration_seconds_sum', 'job, instance'), PROCESS)],
        },
      ],
    },
  ],
};
