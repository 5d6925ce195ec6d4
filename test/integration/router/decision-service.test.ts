import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { DecisionService } from '#libs/decision/decision-service.ts';
import { callContext, rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { client, SHORT_MS } from '#test/support/router/client.ts';
import { http, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, HANGUP, UUID, WORK } from '#test/support/router/requests.ts';

const exporter = new InMemorySpanExporter();
beforeAll(() => {
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
});
afterEach(() => exporter.reset());

const log = createLog('router-test', { level: 'silent' });
const options = { method: 'POST', maxCallsInFlight: 10, breaker: { window: 20, openMs: 0 } } as const;

const spans = (...names: string[]) =>
  exporter
    .getFinishedSpans()
    .filter(({ name }) => names.includes(name))
    .map((span) => ({
      name: span.name,
      kind: span.kind,
      traceId: span.spanContext().traceId,
      spanId: span.spanContext().spanId,
      parent: span.parentSpanContext?.spanId,
      status: span.status,
      attributes: span.attributes,
    }));

test('the endpoint gets the request of the agent, with the call uuid as trace id', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using httpClient = client();
  const service = new DecisionService(httpClient, options, log);
  const asked = decisionRequest(endpoint.url.replace('//', '//u:secret@').concat('?key=secret'));
  expect(await service.decide(asked, callContext(UUID), WORK)).toEqual({
    v: 1,
    result: 'decided',
    plan: { hangup: { cause: 'USER_BUSY' } },
  });
  const [received] = endpoint.received;
  expect(JSON.parse(received?.body ?? '')).toEqual(asked.request);
  const [request, route] = spans('POST', 'route');
  expect(received?.head).toContain(`traceparent: 00-${traceId(UUID)}-${request?.spanId}-01`);
  expect(request).toMatchObject({
    name: 'POST',
    kind: SpanKind.CLIENT,
    traceId: traceId(UUID),
    parent: route?.spanId,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(endpoint.url).port),
      'http.response.status_code': 200,
      'dialhook.result': 'decided',
    },
  });
  expect(route).toMatchObject({
    name: 'route',
    kind: SpanKind.SERVER,
    traceId: traceId(UUID),
    parent: rootSpanId(UUID),
    attributes: { 'dialhook.call': UUID, 'dialhook.node': 'fs1', 'dialhook.result': 'decided' },
  });
});

test('a failure is on both spans by its result', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('503 No', '')));
  await using httpClient = client();
  await new DecisionService(httpClient, options, log).decide(
    decisionRequest(endpoint.url),
    callContext(UUID),
    WORK,
  );
  const error = { code: SpanStatusCode.ERROR, message: 'http_status' };
  expect(spans('POST', 'route')).toMatchObject([
    { status: error, attributes: { 'http.response.status_code': 503, 'dialhook.result': 'http_status' } },
    { status: error, attributes: { 'dialhook.result': 'http_status' } },
  ]);
});

test('GET by configuration', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using httpClient = client();
  const service = new DecisionService(httpClient, { ...options, method: 'GET' }, log);
  expect((await service.decide(decisionRequest(`${endpoint.url}?a=1`), callContext(UUID), WORK)).result).toBe(
    'decided',
  );
  expect(endpoint.received[0]?.head).toMatch(
    /^GET \/calls\?a=1&action=request&reason=new&uuid=.*&variable_domain_name=example\.org HTTP/,
  );
});

test('a request that is abandoned at once leads to no HTTP request', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using httpClient = client();
  const service = new DecisionService(httpClient, options, log);
  const abandoned = new AbortController();
  const work = { ...WORK, signal: abandoned.signal };
  const reply = service.decide(decisionRequest(endpoint.url), callContext(UUID), work);
  abandoned.abort();
  expect(await reply).toMatchObject({ result: 'router_timeout' });
  expect(endpoint.connections).toEqual([]);
});

test('one call too many is answered with overloaded, and the place is free again afterwards', async () => {
  await using endpoint = await startEndpoint();
  await using httpClient = client();
  const service = new DecisionService(httpClient, { ...options, maxCallsInFlight: 1 }, log);
  const short = { ...decisionRequest(endpoint.url), response_timeout_ms: SHORT_MS };
  const [held, refused] = await Promise.all([
    service.decide(short, callContext(UUID), WORK),
    service.decide(short, callContext(UUID), WORK),
  ]);
  expect([held, refused]).toMatchObject([
    { result: 'response_timeout' },
    { result: 'overloaded', error: 'the router already has 1 requests in flight (MAX_CALLS_IN_FLIGHT)' },
  ]);
  expect(await service.decide(short, callContext(UUID), WORK)).toMatchObject({ result: 'response_timeout' });
});
