import type { Dashboard } from './panels.ts';
import { active, answered, decisions, latency, NODE, quantiles, query, rate } from './queries.ts';

export const node: Dashboard = {
  name: 'node',
  title: 'FreeSWITCH node',
  variables: [
    { name: 'node', label: 'Node', values: { metric: 'dialhook_event_socket_up', label: 'dialhook_node' } },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Live calls',
          kind: 'stat',
          queries: [query(active(NODE), '')],
        },
        { title: 'Share answered', kind: 'stat', unit: 'percentunit', queries: [query(answered(NODE), '')] },
        {
          title: 'Agents logged in to the event socket',
          kind: 'stat',
          queries: [query(`sum by (dialhook_node) (dialhook_event_socket_up{${NODE}})`, '{{dialhook_node}}')],
        },
      ],
    },
    { title: 'Decisions', panels: [decisions(NODE), latency(NODE)] },
    {
      title: 'Events',
      panels: [
        {
          title: 'Event socket lag',
          unit: 's',
          queries: quantiles('dialhook_event_socket_lag_seconds', NODE),
        },
        {
          title: 'Notifications published',
          unit: 'reqps',
          queries: [
            query(
              rate('dialhook_notifications_published_total', 'dialhook_action', NODE),
              '{{dialhook_action}}',
            ),
          ],
        },
      ],
    },
  ],
};
