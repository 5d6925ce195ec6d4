import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTRIBUTES, type AttributeName } from '#libs/telemetry/attributes.ts';
import { catalogue, prometheusLabel, prometheusName } from '#libs/telemetry/catalogue.ts';
import type { CaseNode } from '#test/support/cases/case-node.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { parseExposition, type Series, total } from '#test/support/telemetry/exposition.ts';
import { until } from '#test/support/until.ts';

const SUFFIX = /_(?:total|bucket|count|sum)$/;
const byPrometheusName = new Map(
  Object.entries(catalogue).map(([name, one]) => [prometheusName(name, one.unit, one.kind), one]),
);
const labelsOf = (attributes: readonly AttributeName[]) =>
  new Map(attributes.map((name) => [prometheusLabel(name), ATTRIBUTES[name]]));

describe('the metrics of a call', () => {
  let one: CaseNode;
  let cluster: TestCluster;
  const scrape = async (service: string): Promise<Series[]> => {
    const started = cluster.log.filter((line) => line.service.startsWith(service) && line['health_port']);
    const texts = started.map(async (line) => {
      const answer = await fetch(`http://127.0.0.1:${line['health_port']}/metrics`);
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
      return parseExposition(await answer.text());
    });
    return (await Promise.all(texts)).flat().filter(({ name }) => name !== 'target_info');
  };

  beforeAll(async () => {
    one = await simulatedCaseNode();
    cluster = await startTestCluster(one, () => ({ LIMITS: 'gw:gw=5' }));
    cluster.answer = () => ({ body: '{"dial":{"type":"gateway","number":"123456","gateway":"gw"}}' });
    await one.call({
      caller: { number: '138', name: 'A' },
      destination: '0555',
      ctiBridge: cluster.url,
      socket: cluster.socket,
      fallback: 'sofia/gateway/gw/999',
      callees: { '123456': { ringAt: 10, answerAt: 30 } },
      byeAt: 50,
    });
    await until(() => expect(cluster.delivered).toHaveLength(3));
  });
  afterAll(async () => {
    await cluster?.stop();
    await one?.stop();
  });

  it('count it at the agent, the routers and the notifier', async () => {
    const endpoint = { dialhook_endpoint: new URL(cluster.url).origin };
    const node = { dialhook_node: 'node' };
    const agent = await scrape('agent');
    const decided = { ...endpoint, ...node, dialhook_result: 'decided' };
    expect(total(agent, 'dialhook_decisions_total', decided)).toBe(1);
    expect(total(agent, 'dialhook_decision_duration_seconds_count', { ...endpoint, ...node })).toBe(1);
    const ended = { ...node, dialhook_cause_class: 'normal', dialhook_answered: 'true' };
    expect(total(agent, 'dialhook_calls_ended_total', ended)).toBe(1);
    expect(total(agent, 'dialhook_call_duration_seconds_count', node)).toBe(1);
    expect(total(agent, 'dialhook_call_post_dial_delay_seconds_count', node)).toBe(1);
    expect(total(agent, 'dialhook_event_socket_up', node)).toBe(1);
    for (const action of ['ring', 'answer', 'hangup'])
      expect(total(agent, 'dialhook_notifications_published_total', { dialhook_action: action })).toBe(1);

    const streams = agent
      .filter(({ name }) => name === 'dialhook_jetstream_fill_ratio')
      .map(({ labels }) => labels['dialhook_stream']);
    expect(new Set(streams)).toEqual(new Set(['DIALHOOK_LIVE', 'DIALHOOK_LIMITS']));
    expect(total(agent, 'dialhook_limit_max', { dialhook_limit: 'gw:gw' })).toBe(5);
    expect(total(agent, 'dialhook_limit_places_total', { dialhook_verdict: 'taken' })).toBe(1);

    const routers = await scrape('router');
    expect(total(routers, 'http_client_request_duration_seconds_count', endpoint)).toBe(1);
    for (const phase of ['connect', 'ttfb', 'body'])
      expect(
        total(routers, 'dialhook_endpoint_phase_duration_seconds_count', { dialhook_phase: phase }),
      ).toBe(1);

    await until(async () => {
      const delivered = { ...endpoint, dialhook_outcome: 'delivered' };
      expect(total(await scrape('notifier'), 'dialhook_notification_attempts_total', delivered)).toBe(3);
    });
    const notifier = await scrape('notifier');
    expect(total(notifier, 'dialhook_notification_lag_seconds_count', endpoint)).toBe(3);
    expect(notifier.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dialhook_queue_jobs', 'dialhook_dead_letters', 'dialhook_jetstream_messages']),
    );
  });

  it('are all in the catalogue, with the attributes and values that it says', async () => {
    for (const service of ['agent', 'router', 'notifier'] as const)
      for (const { name, labels } of await scrape(service)) {
        const found = byPrometheusName.get(name) ?? byPrometheusName.get(name.replace(SUFFIX, ''));
        expect(found?.by, name).toContain(service);
        const known = labelsOf(found?.attributes ?? []);
        for (const [label, value] of Object.entries(labels)) {
          if (label === 'le') continue;
          const attribute = known.get(label);
          expect(attribute, `${name}{${label}}`).toBeDefined();
          if (attribute && 'values' in attribute) expect(attribute.values).toContain(value);
        }
      }
  });

  it('are served beside the health, and only there', async () => {
    const port = cluster.log.find((line) => line['health_port'])?.['health_port'];
    expect((await fetch(`http://127.0.0.1:${port}/metrics/x`)).status).toBe(404);
  });
});
