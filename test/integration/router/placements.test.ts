import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { SHORT_MS } from '#test/support/router/client.ts';
import { http, type Play, startEndpoint, startSilentPort } from '#test/support/router/endpoints.ts';
import { type Placement, placeRouter } from '#test/support/router/placements.ts';
import { decisionRequest, HANGUP } from '#test/support/router/requests.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

const decided = { result: 'decided', plan: { hangup: { cause: 'USER_BUSY' } } };
const busy: Play = ({ socket }) => socket.write(http('200 OK', HANGUP));
const fresh = (url: string) => decisionRequest(url, randomUUID());
const hasty = (url: string) => ({
  ...fresh(url),
  connect_timeout_ms: SHORT_MS,
  response_timeout_ms: SHORT_MS,
});

describe.each<Placement>(['separate', 'embedded'])('a router, %s,', (placement) => {
  const start = (env?: Record<string, string>) => placeRouter(placement, nats.url, env);

  it.each<[name: string, play: Play, reply: object]>([
    ['a decision', busy, decided],
    ['500', ({ socket }) => socket.write(http('500 Oops', '')), { result: 'http_status' }],
    ['text', ({ socket }) => socket.write(http('200 OK', 'secret')), { result: 'invalid_json' }],
    [
      'an invalid decision',
      ({ socket }) => socket.write(http('200 OK', '{"dial":{"type":"hangup","cause":"secret"}}')),
      { result: 'invalid_decision' },
    ],
    ['nothing', () => {}, { result: 'response_timeout' }],
  ])('replies to %s of the endpoint', async (_, play, reply) => {
    await using endpoint = await startEndpoint(play);
    await using router = await start();
    const patient = fresh(endpoint.url);
    expect(await router.request({ ...patient, response_timeout_ms: 10 * SHORT_MS })).toMatchObject(reply);
  });

  it('replies connect_timeout for a port that does not answer SYN', async () => {
    await using silent = await startSilentPort();
    await using router = await start();
    expect(await router.request(hasty(silent.url))).toMatchObject({ result: 'connect_timeout' });
  });

  it('replies router_timeout when the agent has waited long enough', async () => {
    await using endpoint = await startEndpoint();
    await using router = await start();
    const asked = fresh(endpoint.url);
    const { uuid } = asked.request;
    const facts: object[] = [];
    const reply = router.source.request(asked, SHORT_MS, router.parent(uuid), (one) => facts.push(one));
    expect(await reply).toMatchObject({ result: 'router_timeout' });
    const closed = once(endpoint.events, 'closed');
    router.source.abandon(uuid);
    await closed;
  });

  it('sends requests to ENDPOINT_ALLOWED_HOSTS only', async () => {
    await using endpoint = await startEndpoint(busy);
    await using router = await start({ ENDPOINT_ALLOWED_HOSTS: 'crm.example' });
    expect(await router.request(fresh(endpoint.url))).toMatchObject({ result: 'refused_url' });
    expect(endpoint.connections).toEqual([]);
  });

  it('ends the HTTP request of an abandoned call, and no other', async () => {
    await using endpoint = await startEndpoint();
    await using router = await start();
    const abandoned = fresh(endpoint.url);
    const reply = router.request(abandoned);
    const other = router.request(fresh(endpoint.url));
    await until('both requests have arrived', () => endpoint.received.length === 2);
    const closed = once(endpoint.events, 'closed');
    router.source.abandon(abandoned.request.uuid);
    expect(await reply).toMatchObject({ result: 'caller_gone' });
    await closed;
    const open = endpoint.received.find(({ body }) => !body.includes(abandoned.request.uuid));
    open?.socket.write(http('200 OK', HANGUP));
    expect(await other).toMatchObject(decided);
  });

  it('makes no HTTP request for a call that is abandoned at once', async () => {
    await using endpoint = await startEndpoint();
    await using router = await start();
    const asked = fresh(endpoint.url);
    const reply = router.request(asked);
    router.source.abandon(asked.request.uuid);
    expect(await reply).toMatchObject({ result: 'router_timeout' });
    expect(endpoint.connections).toEqual([]);
  });

  it('with too many calls in flight replies overloaded', async () => {
    await using endpoint = await startEndpoint();
    await using router = await start({ MAX_CALLS_IN_FLIGHT: '1' });
    const held = router.request(fresh(endpoint.url));
    await once(endpoint.events, 'request');
    expect(await router.request(fresh(endpoint.url))).toMatchObject({ result: 'overloaded' });
    endpoint.received[0]?.socket.write(http('200 OK', HANGUP));
    expect(await held).toMatchObject(decided);
  });

  it('opens the circuit of an endpoint that fails', async () => {
    await using endpoint = await startEndpoint(({ socket }) => socket.write(http('500 Oops', '')));
    await using router = await start({ BREAKER_WINDOW: '2' });
    const results: string[] = [];
    for (let n = 0; n < 3; n++) results.push((await router.request(fresh(endpoint.url))).result);
    expect(results).toEqual(['http_status', 'circuit_open', 'circuit_open']);
    expect(endpoint.received).toHaveLength(1);
  });

  it('requests the fallback', async () => {
    await using broken = await startEndpoint(({ socket }) => socket.write(http('500 Oops', '')));
    await using fallback = await startEndpoint(busy);
    await using router = await start();
    const asked = { ...fresh(broken.url), fallback_url: fallback.url };
    expect(await router.request(asked)).toMatchObject(decided);
    expect(fallback.received[0]?.body).toContain('http_status');
  });

  it('uses a decision for several calls when the endpoint allows it', async () => {
    const headers = ['Cache-Control: max-age=60', 'Dialhook-Vary: destination_number'];
    await using endpoint = await startEndpoint(({ socket }) =>
      socket.write(http('200 OK', HANGUP, ...headers)),
    );
    await using router = await start({ DECISION_CACHE_ENDPOINTS: '*' });
    for (let n = 0; n < 2; n++) expect(await router.request(fresh(endpoint.url))).toMatchObject(decided);
    expect(endpoint.received).toHaveLength(1);
  });

  it('opens connections to WARM_ENDPOINTS before the first request, and ignores unreachable ones', async () => {
    await using endpoint = await startEndpoint(busy);
    await using router = await start({ WARM_ENDPOINTS: `https://127.0.0.1:1/, ${endpoint.url}` });
    while (endpoint.connections.length === 0) await nextTurn();
    expect(await router.request(fresh(endpoint.url))).toMatchObject(decided);
    expect(endpoint.connections).toHaveLength(1);
  });

  it('sends the trace of the call and the name of its service', async () => {
    await using endpoint = await startEndpoint(busy);
    await using router = await start();
    const asked = fresh(endpoint.url);
    await router.request(asked);
    const service = placement === 'embedded' ? 'agent' : 'router';
    expect(endpoint.received[0]?.head).toContain(`traceparent: 00-${traceId(asked.request.uuid)}-`);
    expect(endpoint.received[0]?.head).toMatch(new RegExp(`^user-agent: dialhook-${service}`, 'im'));
  });

  it('that stops finishes its requests in flight, then closes its connections', async () => {
    await using endpoint = await startEndpoint();
    await using router = await start();
    const held = router.request(fresh(endpoint.url));
    await once(endpoint.events, 'request');
    const stopped = router.stop();
    const closed = once(endpoint.events, 'closed');
    endpoint.received[0]?.socket.write(http('200 OK', HANGUP));
    expect(await held).toMatchObject(decided);
    await stopped;
    await closed;
  });
});
