import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { acceptedCall } from '#libs/bus/decision-headers.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { startRouter } from '#services/router/router.ts';
import { PATIENT_MS, SHORT_MS } from '#test/support/router/client.ts';
import { http, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, HANGUP } from '#test/support/router/requests.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const log = createLog('router-test', { level: 'silent' });
const started: Lifecycle[] = [];
let nats: NatsServer;

beforeAll(async () => {
  nats = await startNats();
});
afterEach(async () => {
  for (const lifecycle of started.splice(0)) await lifecycle.stop();
});
afterAll(() => nats.stop());

async function onBus(name: string): Promise<{ bus: Bus; lifecycle: Lifecycle }> {
  const lifecycle = new Lifecycle(log, PATIENT_MS);
  started.push(lifecycle);
  return { lifecycle, bus: await Bus.connect(nats.url, name, lifecycle, log) };
}

async function router(env: Record<string, string> = {}): Promise<Lifecycle> {
  const { bus, lifecycle } = await onBus('router');
  startRouter(readRouterConfig(env), bus, lifecycle, log);
  await bus.nats.flush();
  return lifecycle;
}

const ask = (bus: Bus, url: string, uuid: string = randomUUID()) =>
  new DecisionClient(bus).request(decisionRequest(url, uuid), PATIENT_MS, callContext(uuid));

const decided = { result: 'decided', plan: { hangup: { cause: 'USER_BUSY' } } };

test('two routers share the requests, each of which is answered once', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  // Each router may keep one connection: two connections are two routers.
  await router({ MAX_CONNECTIONS_PER_ORIGIN: '1' });
  await router({ MAX_CONNECTIONS_PER_ORIGIN: '1' });
  const { bus } = await onBus('agent');
  const replies = await Promise.all(Array.from({ length: 100 }, () => ask(bus, endpoint.url)));
  for (const reply of replies) expect(reply).toMatchObject(decided);
  expect(endpoint.received).toHaveLength(100);
  expect(endpoint.connections).toHaveLength(2);
});

test('an abandoned call ends its request, at whichever router it is', async () => {
  await using endpoint = await startEndpoint();
  await router();
  await router();
  const { bus } = await onBus('agent');
  const uuid = randomUUID();
  const reply = ask(bus, endpoint.url, uuid);
  const other = ask(bus, endpoint.url);
  await once(endpoint.events, 'request');
  if (endpoint.received.length < 2) await once(endpoint.events, 'request');
  const closed = once(endpoint.events, 'closed');
  new DecisionClient(bus).abandon(uuid);
  expect(await reply).toMatchObject({ result: 'caller_gone' });
  await closed;
  const stillOpen = endpoint.received.find(({ body }) => !body.includes(uuid));
  stillOpen?.socket.write(http('200 OK', HANGUP));
  expect(await other).toMatchObject(decided);
});

test('an expired request from NATS is not accepted, and leads to no HTTP request', async () => {
  await using endpoint = await startEndpoint();
  await router();
  const { bus } = await onBus('agent');
  const accepted: unknown[] = [];
  bus.nats.subscribe(`${bus.inboxPrefix}.>`, {
    callback: (_, message) => void accepted.push(acceptedCall(message) ?? []),
  });
  const uuid = randomUUID();
  const reply = ask(bus, endpoint.url, uuid);
  // Written together, they reach the router together, as they do when it or NATS was frozen.
  new DecisionClient(bus).abandon(uuid);
  expect(await reply).toMatchObject({ result: 'router_timeout' });
  expect(accepted.flat()).toEqual([]);
  expect(endpoint.connections).toEqual([]);
});

test('a message that is no request is answered, and the router lives on', async () => {
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await router();
  const { bus } = await onBus('agent');
  const wrong = { ...decisionRequest(endpoint.url), v: 2 as 1 };
  expect(
    await new DecisionClient(bus).request(wrong, PATIENT_MS, callContext(wrong.request.uuid)),
  ).toMatchObject({
    result: 'internal_error',
  });
  expect(await ask(bus, endpoint.url)).toMatchObject(decided);
});

test('a stopping router replies to requests in flight and accepts no more', async () => {
  await using endpoint = await startEndpoint();
  const lifecycle = await router();
  const { bus } = await onBus('agent');
  const held = ask(bus, endpoint.url);
  await once(endpoint.events, 'request');
  const stopped = lifecycle.stop();
  const client = new DecisionClient(bus);
  const probe = { ...decisionRequest(endpoint.url), v: 2 as 1 };
  const isTaken = async () =>
    (await client.request(probe, SHORT_MS, callContext(probe.request.uuid))).result !== 'no_router';
  while (await isTaken());
  expect(endpoint.received).toHaveLength(1);
  const closed = once(endpoint.events, 'closed');
  endpoint.received[0]?.socket.write(http('200 OK', HANGUP));
  expect(await held).toMatchObject(decided);
  await stopped;
  await closed;
});
