import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HttpAnswer } from '#libs/http/client.ts';
import { errorType, measured } from '#libs/http/metrics.ts';
import { ATTRIBUTES, CAUSE_CLASSES } from '#libs/telemetry/attributes.ts';
import {
  endpointOfMetrics,
  type Metrics,
  observe,
  pushesMetrics,
  startMetrics,
} from '#libs/telemetry/metrics.ts';
import { causeClass, countDecision } from '#services/agent/metrics.ts';
import { startCollector } from '#test/support/telemetry/collector.ts';
import { parseExposition, total } from '#test/support/telemetry/exposition.ts';

const ORIGINS = 10_000;
const LIMIT = 100;
const TIMING = { connectMs: 1, responseMs: 2, reused: false, phases: [] };
const origin = (number: number): string => `http://host-${number}.example:8090`;

let metrics: Metrics | undefined;
const begin = (env: NodeJS.ProcessEnv = {}): Metrics => {
  metrics = startMetrics('test', LIMIT, env);
  return metrics;
};
const scrape = async (): Promise<ReturnType<typeof parseExposition>> =>
  parseExposition((await metrics?.scrape()) ?? '');

afterEach(async () => {
  await metrics?.stop();
  vi.unstubAllEnvs();
});

describe('the number of series', () => {
  it(`is bounded with ${ORIGINS} endpoints: ${LIMIT} have a name, the others share one, and none is left out`, async () => {
    begin();
    for (let number = 0; number < ORIGINS; number++)
      countDecision('decided', 'fs1', `${origin(number)}/a?b`, 5);
    const series = await scrape();
    const names = new Set(series.map(({ labels }) => labels['dialhook_endpoint']).filter(Boolean));
    expect(names.size).toBe(LIMIT + 1);
    expect(names).toContain('other');
    expect(total(series, 'dialhook_decisions_total')).toBe(ORIGINS);
    expect(total(series, 'dialhook_decisions_total', { dialhook_endpoint: 'other' })).toBe(ORIGINS - LIMIT);
    expect(total(series, 'dialhook_decisions_total', { dialhook_endpoint: origin(0) })).toBe(1);
  });

  it('is bounded whatever status an endpoint answers with', async () => {
    begin();
    for (let status = 100; status < 1000; status++) {
      const answer: HttpAnswer = { ok: true, status, headers: {}, body: '', timing: TIMING };
      await measured(
        { url: origin(1), method: 'POST', body: {}, headers: {}, connectTimeoutMs: 1, responseTimeoutMs: 1 },
        Promise.resolve(answer),
      );
    }
    const counts = (await scrape()).filter(
      ({ name }) => name === 'http_client_request_duration_seconds_count',
    );
    expect(counts.map(({ labels }) => labels['error_type'] ?? '').sort()).toEqual([
      '',
      '3xx',
      '4xx',
      '5xx',
      '_OTHER',
    ]);
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBe(900);
  });

  it('does not grow with paths and queries of URLs, and shows no password', () => {
    begin();
    expect(endpointOfMetrics('https://user:secret@a.example/x?token=1#y')).toBe('https://a.example');
    expect(endpointOfMetrics('https://a.example:443/other')).toBe('https://a.example');
    for (const url of [undefined, '', 'no url', 'data:text/plain,x'])
      expect(endpointOfMetrics(url)).toBe('none');
  });

  it('knows every way in which a request can fail', () => {
    const known: readonly (string | undefined)[] = ATTRIBUTES['error.type'].values;
    const results = ['connect_timeout', 'response_timeout', 'connection_failed', 'tls_failed'] as const;
    for (const result of [...results, 'body_too_large', 'refused_url', 'caller_gone'] as const)
      expect(known).toContain(errorType({ ok: false, result, error: '', timing: TIMING }));
  });

  it('has one class for each hangup cause', () => {
    const causes = Object.values(CAUSE_CLASSES).flat();
    expect(causes).toEqual([...new Set(causes)]);
    expect(['USER_BUSY', 'NORMAL_CLEARING', 'UNKNOWN', 'NO_SUCH_CAUSE'].map(causeClass)).toEqual([
      'busy',
      'normal',
      'unseen',
      'other',
    ]);
  });
});

describe('the metrics', () => {
  it('measure in seconds, by buckets from 1 ms to 10 s', async () => {
    begin();
    countDecision('decided', 'fs1', origin(1), 15);
    const series = await scrape();
    expect(total(series, 'dialhook_decision_duration_seconds_sum')).toBeCloseTo(0.015);
    const bucket = (le: string) => total(series, 'dialhook_decision_duration_seconds_bucket', { le });
    expect(['0.001', '0.01', '0.02', '10', '+Inf'].map(bucket)).toEqual([0, 0, 1, 1, 1]);
  });

  it('leave out metrics that fail or are not read in time', async () => {
    begin();
    observe('dialhook.dead_letters', () => new Promise(() => {}));
    observe('dialhook.queue.jobs', () => Promise.reject(new Error('away')));
    observe('dialhook.notifications.buffered', () => [[7, {}]]);
    for (let times = 0; times < 2; times++) {
      const series = await scrape();
      expect(total(series, 'dialhook_notifications_buffered')).toBe(7);
      expect(series.map(({ name }) => name)).not.toContain('dialhook_dead_letters');
      expect(series.map(({ name }) => name)).not.toContain('dialhook_queue_jobs');
    }
  });

  it('are pushed by OTLP to the collector that the usual variables name', async () => {
    const collector = await startCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    const pushing = begin(process.env);
    countDecision('no_router', 'fs1', origin(1), 15);
    await pushing.stop();
    metrics = undefined;
    const pushed = Buffer.concat(collector.metrics).toString('latin1');
    for (const word of ['dialhook.decisions', 'no_router', origin(1), 'dialhook-test', 'service.instance.id'])
      expect(pushed).toContain(word);
    collector.stop();
  });

  const OTLP = 'http://127.0.0.1:4318';
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: OTLP }, true],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: OTLP }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: OTLP }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: OTLP, OTEL_METRICS_EXPORTER: 'otlp' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: OTLP, OTEL_METRICS_EXPORTER: 'none' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: OTLP, OTEL_METRICS_EXPORTER: 'prometheus' }, false],
  ])('with %j: pushed %s', (env, pushed) => {
    expect(pushesMetrics(env)).toBe(pushed);
  });

  it('are disabled by OTEL_SDK_DISABLED', async () => {
    begin({ OTEL_SDK_DISABLED: 'true' });
    expect(await scrape()).toEqual([]);
  });
});
