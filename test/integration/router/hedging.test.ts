import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { decided, scriptRouters } from '#test/support/agent/routers.ts';
import { recordLog } from '#test/support/log.ts';
import { type Endpoint, http, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, HANGUP } from '#test/support/router/requests.ts';
import { startRouterProcess } from '#test/support/router/router-process.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startNatsCluster } from '#test/support/servers/nats-cluster.ts';
import { until } from '#test/support/until.ts';

/** Time limit of a decision, as a call with the default timeouts has it, ms. */
const TIMEOUT_MS = 4_250;
const CALLS = 40;
const started: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of started.splice(0)) await lifecycle.stop();
});

async function agent(url: string) {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  started.push(lifecycle);
  const bus = await Bus.connect(url, 'agent', lifecycle, log);
  const client = new DecisionClient(bus, 100);
  const ask = (endpoint: Endpoint, uuid: string = randomUUID()) =>
    client.request(decisionRequest(endpoint.url, uuid), TIMEOUT_MS, callContext(uuid));
  /** Requests a decision for each of several calls, one every 10 ms. Returns the results. */
  const askMany = async (endpoint: Endpoint) => {
    const replies = [];
    for (let n = 0; n < CALLS; n++) {
      replies.push(ask(endpoint));
      await sleep(10);
    }
    return (await Promise.all(replies)).map(({ result }) => result);
  };
  return { bus, client, ask, askMany, lines };
}

async function startServer() {
  const nats = await startNats();
  return { url: nats.url, [Symbol.asyncDispose]: nats.stop };
}

const slowly = (ms: number) =>
  startEndpoint(({ socket }) => void setTimeout(() => socket.write(http('200 OK', HANGUP)), ms));

const uuidsOf = ({ received }: Endpoint): string[] => received.map(({ body }) => JSON.parse(body).uuid);

/** The endpoint got one request for each call. */
function expectOneEach(endpoint: Endpoint, calls: number): void {
  const uuids = uuidsOf(endpoint);
  expect(uuids).toHaveLength(calls);
  expect(new Set(uuids).size).toBe(calls);
}

const allDecided = Array.from({ length: CALLS }, () => 'decided');

test('a router hangs: its requests go to another, and the endpoint gets each once', {
  timeout: 60_000,
}, async () => {
  await using nats = await startServer();
  await using endpoint = await slowly(150);
  await using first = await startRouterProcess({ NATS_URL: nats.url });
  await using _ = await startRouterProcess({ NATS_URL: nats.url });
  const { ask, askMany } = await agent(nats.url);
  expect((await ask(endpoint)).result).toBe('decided');
  first.pause();
  expect(await askMany(endpoint)).toEqual(allDecided);
  expectOneEach(endpoint, CALLS + 1);
  first.resume();
  await until('it takes requests again', async () => {
    await ask(endpoint);
    return new Set(endpoint.received.map(({ socket }) => socket.remotePort)).size > 1;
  });
  expectOneEach(endpoint, endpoint.received.length);
});

test('the only router hangs for a moment: it makes one request for each call', {
  timeout: 60_000,
}, async () => {
  await using nats = await startServer();
  await using endpoint = await slowly(50);
  await using router = await startRouterProcess({ NATS_URL: nats.url });
  const { ask, askMany } = await agent(nats.url);
  expect((await ask(endpoint)).result).toBe('decided');
  router.pause();
  const replies = askMany(endpoint);
  await sleep(700);
  router.resume();
  expect(await replies).toEqual(allDecided);
  expectOneEach(endpoint, CALLS + 1);
});

test('a NATS server of three hangs: requests for the router behind it go to another', {
  timeout: 60_000,
}, async () => {
  await using cluster = await startNatsCluster();
  const [one, two, three] = cluster.nodes;
  if (!one || !two || !three) throw new Error('no nodes');
  await using endpoint = await slowly(150);
  await using routers = new AsyncDisposableStack();
  for (const { url } of [two, three]) routers.use(await startRouterProcess({ NATS_URL: url }));
  const { ask, askMany } = await agent(one.url);
  await until('the routers are known', async () => (await ask(endpoint)).result === 'decided');
  const before = endpoint.received.length;
  three.pause();
  expect(await askMany(endpoint)).toEqual(allDecided);
  expectOneEach(endpoint, before + CALLS);
  three.resume();
  await sleep(500);
  expect(await askMany(endpoint)).toEqual(allDecided);
  expectOneEach(endpoint, before + 2 * CALLS);
});

test("the agent's NATS server of three hangs: the agent leaves it and sends the requests again", {
  timeout: 60_000,
}, async () => {
  await using cluster = await startNatsCluster();
  const [one, two] = cluster.nodes;
  if (!one || !two) throw new Error('no nodes');
  await using endpoint = await slowly(150);
  await using _ = await startRouterProcess({ NATS_URL: two.url });
  const { bus, ask, lines } = await agent(one.url);
  await until('the router is known', async () => (await ask(endpoint)).result === 'decided');
  await until('the others are announced', () => bus.nats.info?.connect_urls?.length === 3);
  const before = endpoint.received.length;
  one.pause();
  const replies = await Promise.all(Array.from({ length: CALLS }, () => ask(endpoint)));
  expect(replies.map(({ result }) => result)).toEqual(allDecided);
  expect(lines.map(({ event }) => event)).toContain('nats.server_silent');
  expectOneEach(endpoint, before + CALLS);
  one.resume();
  await sleep(1_000);
  expectOneEach(endpoint, before + CALLS);
});

test('routers that send no acceptance get each request once', async () => {
  await using nats = await startServer();
  const routers = await scriptRouters(nats.url);
  routers.script = async () => {
    await sleep(400);
    return decided(JSON.parse(HANGUP));
  };
  await using endpoint = await slowly(0);
  const { ask } = await agent(nats.url);
  expect((await ask(endpoint)).result).toBe('decided');
  expect((await ask(endpoint)).result).toBe('decided');
  expect(routers.requests).toHaveLength(2);
  await routers.stop();
});
