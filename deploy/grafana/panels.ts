/** The part of Grafana's dashboard model that the dashboards use: rows of panels, each with PromQL queries. */

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly unit?: string;
  readonly kind?: 'timeseries' | 'stat';
  readonly queries: readonly Query[];
  /** Shows traces found by this TraceQL query; `queries` is then empty. */
  readonly traceql?: string;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** The label whose values can be selected, and a metric with that label. Without it the variable is a text box. */
  readonly values?: { readonly metric: string; readonly label: string };
}

export interface Dashboard {
  readonly name: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

const COLUMNS = 24;
const HEIGHT = 8;
const PROMETHEUS = { type: 'prometheus', uid: '${datasource}' };
const TEMPO = { type: 'tempo', uid: '${tempo}' };

const targets = ({ queries, traceql }: Panel): object[] =>
  traceql === undefined
    ? queries.map(({ expr, legend }, index) => ({
        refId: String.fromCharCode(65 + index),
        datasource: PROMETHEUS,
        expr,
        legendFormat: legend,
      }))
    : [{ refId: 'A', datasource: TEMPO, queryType: 'traceql', query: traceql, limit: 20 }];

const grafanaPanel = (panel: Panel, id: number, gridPos: object): object => ({
  id,
  type: panel.traceql === undefined ? (panel.kind ?? 'timeseries') : 'table',
  title: panel.title,
  ...(panel.description === undefined ? {} : { description: panel.description }),
  datasource: panel.traceql === undefined ? PROMETHEUS : TEMPO,
  gridPos,
  fieldConfig: { defaults: { unit: panel.unit ?? 'short', min: 0 }, overrides: [] },
  targets: targets(panel),
});

function grafanaPanels({ rows }: Dashboard): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: inRow } of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title, gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    const w = COLUMNS / inRow.length;
    for (const [column, panel] of inRow.entries())
      panels.push(grafanaPanel(panel, panels.length + 1, { x: column * w, y: y + 1, w, h: HEIGHT }));
    y += HEIGHT + 1;
  }
  return panels;
}

const grafanaVariable = ({ name, label, values }: Variable): object =>
  values === undefined
    ? { type: 'textbox', name, label, query: '' }
    : {
        type: 'query',
        name,
        label,
        datasource: PROMETHEUS,
        query: `label_values(${values.metric}, ${values.label})`,
        refresh: 2,
        multi: true,
        includeAll: true,
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
      };

const usesTempo = ({ rows }: Dashboard): boolean =>
  rows.some(({ panels }) => panels.some(({ traceql }) => traceql !== undefined));

/** The JSON model that Grafana imports. */
export const grafanaDashboard = (dashboard: Dashboard): object => ({
  uid: `dialhook-${dashboard.name}`,
  title: `Dialhook: ${dashboard.title}`,
  tags: ['dialhook'],
  schemaVersion: 39,
  editable: true,
  refresh: '10s',
  time: { from: 'now-1h', to: 'now' },
  links: [{ type: 'dashboards', title: 'Dialhook', tags: ['dialhook'], asDropdown: true }],
  templating: {
    list: [
      { type: 'datasource', name: 'datasource', label: 'Prometheus', query: 'prometheus' },
      ...(usesTempo(dashboard)
        ? [{ type: 'datasource', name: 'tempo', label: 'Tempo', query: 'tempo' }]
        : []),
      ...dashboard.variables.map(grafanaVariable),
    ],
  },
  panels: grafanaPanels(dashboard),
});
