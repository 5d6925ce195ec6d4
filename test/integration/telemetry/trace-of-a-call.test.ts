import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { legSpanId, rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';
import type { Callee, CallScript } from '#test/support/cases/case-node.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { type SimulatedCaseNode, simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { type OtlpSpan, startCollector } from '#test/support/telemetry/collector.ts';
import { until } from '#test/support/until.ts';

/** The tree of spans as indented lines, children in order of their start; with what went wrong, or a leg's events. */
function tree(spans: readonly OtlpSpan[], parent = '', depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((a, b) => Number(a.start - b.start))
    .flatMap((span) => {
      const events = span.events.map(({ name }) => ` ${name}`).join('');
      const cause = span.name === 'leg' ? ` ${span.attributes['dialhook.cause']}` : '';
      const error = span.error === undefined ? '' : `: ${span.error}`;
      const service = span.service.replace('dialhook-', '');
      return [
        `${'  '.repeat(depth)}${service} ${span.name}${events}${cause}${error}`,
        ...tree(spans, span.spanId, depth + 1),
      ];
    });
}

/** A request over a new connection, and over one that has served before, whose first two lines are not there. */
const request = (depth: number, service: string, end: readonly string[] = []): string[] => [
  `${'  '.repeat(depth)}${service} POST`,
  ...['connect', 'ttfb', 'body', ...end].map((name) => `${'  '.repeat(depth + 1)}${service} ${name}`),
];

const delivered = (action: string): string[] => [
  `  agent publish ${action}`,
  '    notifier process progress',
  ...request(3, 'notifier'),
];

/** Connections are kept, so that which request had to connect is a matter of order. */
const withoutConnects = (lines: readonly string[]): string[] =>
  lines.filter((line) => !/ connect$/.test(line));

const DIAL = '{"dial":{"type":"gateway","number":"123456","gateway":"gw"}}';
const DIAL_TWO = `{"dial":[${'{"type":"gateway","number":"111111","gateway":"gw"}'},${'{"type":"gateway","number":"222222","gateway":"gw"}'}]}`;

describe.each([
  { share: '1', named: 'all calls are traced' },
  { share: '0', named: 'no call is traced but those that fail' },
])('when $named', ({ share }) => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let one: SimulatedCaseNode;
  let cluster: TestCluster;

  beforeAll(async () => {
    collector = await startCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '100');
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'parentbased_traceidratio');
    vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', share);
    one = await simulatedCaseNode();
    cluster = await startTestCluster(one);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await cluster?.stop();
    await one?.stop();
    collector?.stop();
  });

  const place = (callees: Readonly<Record<string, Callee>>, more: Partial<CallScript> = {}) =>
    one.call({
      caller: { number: '138', name: 'A' },
      destination: '0555',
      ctiBridge: cluster.url,
      socket: cluster.socket,
      fallback: 'sofia/gateway/gw/999',
      callees,
      ...more,
    });
  const spansOf = (uuid: string) => collector.spans.filter((span) => span.traceId === traceId(uuid));
  const deliveredOf = (uuid: string) =>
    cluster.delivered.filter(({ notification }) => notification.uuid === uuid);
  const itsTree = (uuid: string, expected: readonly string[]) =>
    until(() => expect(withoutConnects(tree(spansOf(uuid)))).toEqual(withoutConnects(expected)));

  it.runIf(share === '1')(
    'an answered call is one tree across the services, its uuid the trace id',
    async () => {
      cluster.answer = () => ({ body: DIAL });
      const before = cluster.traceparents.length;
      const { uuid } = await place({ '123456': { ringAt: 20, answerAt: 60 } }, { byeAt: 50 });
      await itsTree(uuid, [
        'agent call',
        '  agent decide',
        '    agent request decision',
        '      router route',
        ...request(4, 'router', ['parse']),
        '    agent execute',
        '  agent leg ring answer NORMAL_CLEARING',
        ...['ring', 'answer', 'hangup'].flatMap(delivered),
      ]);
      const spans = spansOf(uuid);
      const only = (name: string) => spans.find((span) => span.name === name) as OtlpSpan;
      const [call, decide, leg] = [only('call'), only('decide'), only('leg')];
      expect(call.spanId).toBe(rootSpanId(uuid));
      expect(call.start <= decide.start && call.end > decide.end).toBe(true);
      expect(decide.attributes).toMatchObject({ 'dialhook.call': uuid, 'dialhook.result': 'decided' });
      expect(leg.spanId).toBe(legSpanId(uuid, String(leg.attributes['dialhook.leg'])));
      expect([leg.start, ...leg.events.map(({ time }) => time), leg.end]).toEqual(
        [leg.start, ...leg.events.map(({ time }) => time), leg.end].toSorted((a, b) => Number(a - b)),
      );
      expect(only('connect').end >= only('connect').start).toBe(true);

      const parents = (service: string) =>
        spans.filter((span) => span.service === service && span.name === 'POST').map(({ spanId }) => spanId);
      expect(cluster.traceparents.slice(before).toSorted()).toEqual(
        [...parents('dialhook-router'), ...parents('dialhook-notifier')]
          .map((spanId) => `00-${traceId(uuid)}-${spanId}-01`)
          .toSorted(),
      );
    },
  );

  it.runIf(share === '1')('a call that went on to its second target shows both legs', async () => {
    cluster.answer = () => ({ body: DIAL_TWO });
    const { uuid } = await place(
      { '111111': { refuse: { at: 30, status: 503 } }, '222222': { ringAt: 20, mediaAt: 40, answerAt: 60 } },
      { byeAt: 50 },
    );
    await itsTree(uuid, [
      'agent call',
      '  agent decide',
      '    agent request decision',
      '      router route',
      ...request(4, 'router', ['parse']),
      '    agent execute',
      '  agent leg NORMAL_TEMPORARY_FAILURE',
      '  agent leg ring progress answer NORMAL_CLEARING',
      ...['ring', 'progress', 'answer', 'hangup'].flatMap(delivered),
    ]);
  });

  it('a caller that hangs up ends the span of the request', async () => {
    cluster.answer = () => 'silent';
    const { uuid } = await place({}, { cancelAt: 300 });
    await itsTree(uuid, [
      'agent call',
      '  agent decide: the caller hung up',
      '    agent request decision: caller_gone',
      '      router route: caller_gone',
      '        router POST: caller_gone',
      '          router connect',
      '          router ttfb',
      ...delivered('hangup'),
    ]);
  });

  it('a call that its endpoint did not decide is an error with its result, to the end', async () => {
    cluster.answer = () => ({ status: 500, body: 'no' });
    const { uuid } = await place({ '999': { ringAt: 20, answerAt: 60 } }, { byeAt: 50 });
    await itsTree(uuid, [
      'agent call: http_status',
      '  agent decide: the endpoint answered 500',
      '    agent request decision: http_status',
      '      router route: http_status',
      '        router POST: http_status',
      ...['ttfb', 'body'].map((name) => `          router ${name}`),
      '          router parse: http_status',
      '    agent execute',
      '  agent leg ring answer NORMAL_CLEARING',
      ...['ring', 'answer', 'hangup'].flatMap(delivered),
    ]);
  });

  it.runIf(share === '0')('nothing is exported of a call that went well', async () => {
    cluster.answer = () => ({ body: DIAL });
    const well = await place({ '123456': { ringAt: 20, answerAt: 60 } }, { byeAt: 50 });
    await until(() => expect(deliveredOf(well.uuid)).toHaveLength(3));
    cluster.answer = () => ({ status: 500, body: 'no' });
    const failed = await place({ '999': { ringAt: 20, answerAt: 60 } }, { byeAt: 50 });
    await until(() => expect(spansOf(failed.uuid).filter(({ name }) => name === 'body')).toHaveLength(4));
    expect(spansOf(well.uuid)).toEqual([]);
  });
});
