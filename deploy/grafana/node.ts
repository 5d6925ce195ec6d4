import type { Dashboard } from './panels.ts';
import { active, answered, decisions, latency, NODE, quantiles, query, rate, resting } from './queries.ts';

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
      title: 'Limits and gateways',
      panels: [
        {
          title: 'Places by verdict',
          unit: 'reqps',
          queries: [
            query(rate('dialhook_limit_places_total', 'dialhook_verdict', NODE), '{{dialhook_verdict}}'),
          ],
        },
        { title: 'Resting gateways', queries: [resting(NODE)] },
        {
          title: 'Rests of gateways',
          unit: 'reqps',
          queries: [query(rate('dialhook_gateway_rests_total', 'dialhook_node', NODE), '{{dialhook_node}}')],
        },
      ],
    },
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
