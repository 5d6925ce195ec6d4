import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { catalogue } from '#libs/telemetry/catalogue.ts';
import { DASHBOARDS } from '../../../deploy/grafana/dashboards.ts';
import { LEFT_OUT } from '../../../deploy/grafana/left-out.ts';
import { promtoolPath } from './promtool.ts';
import { metricsOf, problems } from './queries.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

const root = join(import.meta.dirname, '..', '..', '..');
const file = join(root, 'deploy', 'prometheus', 'rules.yaml');
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);

interface Case {
  readonly name: string;
  readonly input_series: readonly { readonly series: string }[];
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly exp_alerts?: readonly object[];
  }[];
}
const { tests: cases } = parse(readFileSync(join(import.meta.dirname, 'alerts.yaml'), 'utf8')) as {
  tests: Case[];
};
const runbook = readFileSync(join(root, 'docs', 'runbook.md'), 'utf8');
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n')[0], section] as const),
);

describe.each(alerts)('the alert $alert', ({ alert, expr, labels, annotations }) => {
  it('uses metrics, labels and values of the catalogue', () => {
    expect(problems(expr)).toEqual([]);
  });

  it('has a case in which it fires, and the healthy cluster has its metrics and does not fire it', () => {
    const own = cases.flatMap(({ alert_rule_test = [] }) =>
      alert_rule_test.filter(({ alertname }) => alertname === alert),
    );
    expect(own.some(({ exp_alerts = [] }) => exp_alerts.length > 0)).toBe(true);
    const healthy = cases.find(({ name }) => name === 'no problem')?.input_series ?? [];
    const known = metricsOf(healthy.map(({ series }) => series).join(' '));
    expect(known).toEqual(expect.arrayContaining(metricsOf(expr)));
  });

  it('has a severity, a summary and a section in the runbook', () => {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.summary).not.toBe('');
    expect(annotations.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    for (const part of ['**Meaning.**', '**Check.**', '**Action.**'])
      expect(sections.get(alert)).toContain(part);
  });
});

it('no section of the runbook is without its alert', () => {
  expect([...sections.keys()].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

it('each metric is on a dashboard, in an alert, or left out with a reason', () => {
  const panels = DASHBOARDS.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
  const exprs = [...panels.flatMap(({ queries }) => queries), ...alerts].map(({ expr }) => expr);
  const used = exprs.flatMap(metricsOf);
  const unused = Object.keys(catalogue).filter((name) => !used.includes(name));
  expect(unused.sort()).toEqual(Object.keys(LEFT_OUT).sort());
});

describe.each(DASHBOARDS)('the dashboard $name', ({ rows, variables }) => {
  const panels = rows.flatMap((row) => row.panels);

  it('uses metrics, labels and values of the catalogue', () => {
    for (const { title, queries } of panels)
      for (const { expr, legend } of queries) {
        expect(problems(expr), `${title}: ${expr}`).toEqual([]);
        for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g))
          expect(['job', 'instance'].includes(label ?? '') || expr.includes(label ?? ''), legend).toBe(true);
      }
    for (const { values } of variables)
      if (values) expect(problems(`sum by (${values.label}) (${values.metric})`)).toEqual([]);
  });

  it('uses only its own variables', () => {
    const known = [...variables.map(({ name }) => name), '__rate_interval'];
    const text = JSON.stringify(panels);
    for (const [, name] of text.matchAll(/\$(\w+)/g)) expect(known).toContain(name);
    for (const { name } of variables) expect(text).toContain(`$${name}`);
  });

  it('has a query in every panel', () => {
    for (const { title, queries, traceql } of panels)
      expect(queries.length + Number(traceql !== undefined), title).toBeGreaterThan(0);
  });
});

describe('the check of queries', () => {
  it.each([
    ['sum(rate(dialhook_decision_total[5m]))', ['no metric dialhook_decision_total']],
    [
      'dialhook_notifications_buffered{dialhook_node="a"}',
      ['dialhook_notifications_buffered has no dialhook_node'],
    ],
    ['sum by (dialhook_result) (dialhook_notifications_buffered)', ['nothing here has dialhook_result']],
    ['dialhook_endpoint_trouble{dialhook_endpoint_state="off"}', ['dialhook_endpoint_state is never "off"']],
    ['1 > 0', ['no metric']],
  ])('finds the mistakes in %s', (expr, found) => {
    expect(problems(expr)).toEqual(found);
  });
});

const promtool = promtoolPath();

describe.skipIf(promtool === undefined)('promtool', () => {
  const run = (...args: readonly string[]): string =>
    execFileSync(promtool ?? '', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' });

  it('finds the rules valid', () => {
    expect(run('check', 'rules', file)).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  it('sees each alert fire only under its condition', () => {
    expect(run('test', 'rules', 'alerts.yaml')).toContain('SUCCESS');
  });
});
