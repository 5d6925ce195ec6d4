import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { DecisionService } from '#libs/decision/decision-service.ts';
import { originOf } from '#libs/net/url.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { type Metrics, startMetrics } from '#libs/telemetry/metrics.ts';
import { client, SHORT_MS } from '#test/support/router/client.ts';
import { type Endpoint, http, type Received, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, UUID, WORK } from '#test/support/router/requests.ts';

const log = createLog('router-test', { level: 'silent' });
const exporter = new InMemorySpanExporter();
let metrics: Metrics;
beforeAll(() => {
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  metrics = startMetrics('router', 100, {});
});
afterEach(() => exporter.reset());
afterAll(() => metrics.stop());

type Step = Pick<Extract<TimelineStep, { step: 'requested' }>, 'step' | 'result' | 'cache' | 'not_cached'>;

/** Its decisions hang up with a SIP status that counts its requests: 401, 402, and so on. */
async function countingEndpoint(control: string, vary = 'caller_id_number, destination_number') {
  let nth = 0;
  const state: { broken?: string | 'silent' } = {};
  const endpoint = await startEndpoint(({ socket }: Received) => {
    nth++;
    if (state.broken === 'silent') return;
    if (state.broken !== undefined) {
      socket.write(http(state.broken, ''));
      return;
    }
    const body = JSON.stringify({ dial: { type: 'hangup', sipcode: 400 + nth }, data: { nth } });
    socket.write(http('200 OK', body, `Cache-Control: ${control}`, `Dialhook-Vary: ${vary}`));
  });
  return Object.assign(endpoint, { state });
}

function serviceFor(endpoint: Endpoint, httpClient: ReturnType<typeof client>, openMs = 0) {
  const clock = { ms: 0 };
  const steps: Step[] = [];
  const options = {
    method: 'POST',
    maxCallsInFlight: 10,
    breaker: { window: 4, openMs },
    cache: { origins: [originOf(endpoint.url)], size: 10, maxAgeMs: 3_600_000, now: () => clock.ms },
  } as const;
  const timeline = { add: (step: unknown) => void steps.push(step as Step) };
  const service = new DecisionService(httpClient, options, log, timeline);
  const call = async (caller: string, given: object = {}, work = WORK) => {
    const asked = decisionRequest(endpoint.url);
    const request = {
      ...asked,
      connect_timeout_ms: SHORT_MS,
      response_timeout_ms: SHORT_MS,
      request: { ...asked.request, caller_id_number: caller },
      ...given,
    };
    const reply = await service.decide(request, callContext(UUID), work);
    if (reply.result !== 'decided') return reply.result;
    return 'hangup' in reply.plan && 'sipcode' in reply.plan.hangup ? reply.plan.hangup.sipcode : reply.plan;
  };
  return { call, clock, steps };
}

test('calls that agree in the named fields share a decision until max-age', async () => {
  await using endpoint = await countingEndpoint('max-age=30');
  await using httpClient = client();
  const { call, clock, steps } = serviceFor(endpoint, httpClient);
  expect([await call('1'), await call('1'), await call('2'), await call('1')]).toEqual([401, 401, 402, 401]);
  clock.ms = 29_000;
  expect(await call('1')).toBe(401);
  clock.ms = 30_000;
  expect(await call('1')).toBe(403);
  expect(endpoint.received).toHaveLength(3);
  expect(steps.map(({ cache }) => cache)).toEqual([
    undefined,
    { outcome: 'hit', age_ms: 0 },
    undefined,
    { outcome: 'hit', age_ms: 0 },
    { outcome: 'hit', age_ms: 29_000 },
    undefined,
  ]);
  const routes = exporter.getFinishedSpans().filter(({ name }) => name === 'route');
  expect(routes.map(({ attributes }) => attributes['dialhook.cache'])).toEqual(
    steps.map(({ cache }) => cache?.outcome),
  );
  const scraped = await metrics.scrape();
  const of = (outcome: string) =>
    `dialhook_decision_cache_lookups_total{dialhook_cache="${outcome}",dialhook_endpoint="${originOf(endpoint.url)}"}`;
  expect(scraped).toContain(`${of('hit')} 3`);
  expect(scraped).toContain(`${of('miss')} 3`);
  expect(scraped).toContain('dialhook_decision_cache_size 2');
});

test.each([
  ['500', '500 Oops', 'http_status'],
  ['429', '429 Slow down', 'http_status'],
  ['a timeout', 'silent', 'response_timeout'],
])('a stale decision is used when the endpoint fails: %s', async (_, broken, result) => {
  await using endpoint = await countingEndpoint('max-age=30, stale-if-error=60');
  await using httpClient = client();
  const { call, clock, steps } = serviceFor(endpoint, httpClient);
  expect(await call('1')).toBe(401);
  endpoint.state.broken = broken;
  clock.ms = 60_000;
  expect(await call('1')).toBe(401);
  expect(endpoint.received).toHaveLength(2);
  expect(steps.slice(1)).toMatchObject([
    { result },
    { result: 'decided', cache: { outcome: 'stale', age_ms: 60_000 } },
  ]);
  expect(await call('2')).toBe(result);
  clock.ms = 90_000;
  expect(await call('1')).toBe(result);
});

test('a stale decision is used while the circuit is open, without a request', async () => {
  await using endpoint = await countingEndpoint('stale-if-error=60');
  await using httpClient = client();
  const { call } = serviceFor(endpoint, httpClient, 60_000);
  expect(await call('1')).toBe(401);
  endpoint.state.broken = '500 Oops';
  while ((await call('2')) !== 'circuit_open');
  const before = endpoint.received.length;
  expect(await call('1')).toBe(401);
  expect(endpoint.received).toHaveLength(before);
});

test('a stale decision comes before the fallback, which never fills the cache', async () => {
  await using endpoint = await countingEndpoint('max-age=30, stale-if-error=60');
  await using fallback = await countingEndpoint('max-age=30');
  await using httpClient = client();
  const { call, clock } = serviceFor(endpoint, httpClient);
  const fallback_url = fallback.url;
  expect(await call('1', { fallback_url })).toBe(401);
  endpoint.state.broken = '500 Oops';
  clock.ms = 60_000;
  expect(await call('1', { fallback_url })).toBe(401);
  expect(fallback.received).toEqual([]);
  expect([await call('2', { fallback_url }), await call('2', { fallback_url })]).toEqual([401, 402]);
});

test.each(['404 Not Found', '200 OK', '302 Found'])(
  'an endpoint that answers %s has no decision any more',
  async (status) => {
    await using endpoint = await countingEndpoint('stale-if-error=60');
    await using httpClient = client();
    const { call } = serviceFor(endpoint, httpClient);
    expect(await call('1')).toBe(401);
    endpoint.state.broken = status;
    expect(await call('1')).not.toBe(401);
    endpoint.state.broken = '500 Oops';
    expect(await call('1')).toBe('http_status');
  },
);

test('an answer that cannot be cached as it says tells why', async () => {
  await using endpoint = await countingEndpoint('max-age=30', 'number');
  await using httpClient = client();
  const { call, steps } = serviceFor(endpoint, httpClient);
  expect([await call('1'), await call('1')]).toEqual([401, 402]);
  expect(steps[0]?.not_cached).toMatch(/^Dialhook-Vary: entry 1 must be one of/);
});

test('an abandoned request gets no stale decision', async () => {
  await using endpoint = await countingEndpoint('stale-if-error=60');
  await using httpClient = client();
  const { call, steps } = serviceFor(endpoint, httpClient);
  expect(await call('1')).toBe(401);
  endpoint.state.broken = 'silent';
  const abandoned = new AbortController();
  endpoint.events.once('request', () => abandoned.abort());
  expect(await call('1', {}, { ...WORK, signal: abandoned.signal })).toBe('caller_gone');
  expect(steps.filter(({ cache }) => cache)).toEqual([]);
});

test('without the setting every call gets a request', async () => {
  await using endpoint = await countingEndpoint('max-age=30');
  await using httpClient = client();
  const options = { method: 'POST', maxCallsInFlight: 10, breaker: { window: 4, openMs: 0 } } as const;
  const service = new DecisionService(httpClient, options, log);
  for (const _ of [1, 2]) await service.decide(decisionRequest(endpoint.url), callContext(UUID), WORK);
  expect(endpoint.received).toHaveLength(2);
});
