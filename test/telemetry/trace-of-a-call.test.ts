import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';
import { startTestCluster, type TestCluster } from '../case/stack.ts';
import type { Switch } from '../case/switch.ts';
import { simulatedSwitch } from '../simulator/switch.ts';
import { type OtlpSpan, startCollector } from './collector.ts';

/** The tree of spans as indented lines, children in order of their start. */
function tree(spans: readonly OtlpSpan[], parent: string, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((a, b) => Number(a.start - b.start))
    .flatMap((span) => [
      `${'  '.repeat(depth)}${span.service.replace('dialhook-', '')}: ${span.name}`,
      ...tree(spans, span.spanId, depth + 1),
    ]);
}

describe('the trace of a call', () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let one: Switch;
  let cluster: TestCluster;

  beforeAll(async () => {
    collector = await startCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100');
    one = await simulatedSwitch();
    cluster = await startTestCluster(one);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await cluster?.stop();
    await one?.stop();
    collector?.stop();
  });

  it('is one tree across the services, under the call, with its uuid as trace id', async () => {
    cluster.answer = () => ({ body: '{"dial":{"type":"gateway","number":"123456","gateway":"gw"}}' });
    const { uuid } = await one.call({
      caller: { number: '138', name: 'A' },
      destination: '0555',
      ctiBridge: cluster.url,
      socket: cluster.socket,
      fallback: 'sofia/gateway/gw/999',
      callees: { '123456': { ringAt: 10, answerAt: 30 } },
      byeAt: 50,
    });
    const spans = () => collector.spans.filter((span) => span.traceId === traceId(uuid));
    await vi.waitFor(() => expect(spans()).toHaveLength(13), { timeout: 15_000 });

    expect(tree(spans(), '')).toEqual([
      'agent: call',
      '  agent: decide',
      '    router: route',
      '      router: POST',
      ...['ring', 'answer', 'hangup'].flatMap((action) => [
        `  agent: publish ${action}`,
        '    notifier: process progress',
        '      notifier: POST',
      ]),
    ]);
    const root = spans().find(({ name }) => name === 'call');
    expect(root?.spanId).toBe(rootSpanId(uuid));
    const decide = spans().find(({ name }) => name === 'decide');
    expect(root && decide && root.start <= decide.start && root.end > decide.end).toBe(true);
    expect(decide?.attributes).toMatchObject({ 'dialhook.call': uuid, 'dialhook.result': 'decided' });

    const asked = spans().find(({ service, name }) => service === 'dialhook-router' && name === 'POST');
    expect(cluster.traceparents[0]).toBe(`00-${traceId(uuid)}-${asked?.spanId}-01`);
    const told = spans().filter(({ service, name }) => service === 'dialhook-notifier' && name === 'POST');
    expect(new Set(cluster.traceparents.slice(1))).toEqual(
      new Set(told.map(({ spanId }) => `00-${traceId(uuid)}-${spanId}-01`)),
    );
  });
});
