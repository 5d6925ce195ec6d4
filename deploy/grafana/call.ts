import type { Dashboard } from './panels.ts';
import { answered, NODE, quantiles, query, rate } from './queries.ts';

export const call: Dashboard = {
  name: 'call',
  title: 'calls',
  variables: [
    { name: 'node', label: 'Node', values: { metric: 'dialhook_event_socket_up', label: 'dialhook_node' } },
    { name: 'uuid', label: 'Call uuid' },
  ],
  rows: [
    {
      title: 'Ended calls',
      panels: [
        {
          title: 'Ended calls by cause class',
          unit: 'reqps',
          queries: [
            query(
              rate('dialhook_calls_ended_total', 'dialhook_cause_class', NODE),
              '{{dialhook_cause_class}}',
            ),
          ],
        },
        {
          title: 'Share answered',
          unit: 'percentunit',
          queries: [query(answered(NODE), 'answered')],
        },
        {
          title: 'Post-dial delay',
          unit: 's',
          queries: quantiles('dialhook_call_post_dial_delay_seconds', NODE),
        },
        {
          title: 'Duration of answered calls',
          unit: 's',
          queries: quantiles('dialhook_call_duration_seconds', NODE),
        },
      ],
    },
    {
      title: 'One call',
      panels: [
        {
          title: 'Trace',
          description: "A call's trace id is its uuid without dashes.",
          queries: [],
          traceql: '{ span.dialhook.call = "$uuid" }',
        },
      ],
    },
  ],
};
