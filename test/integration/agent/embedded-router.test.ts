import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_TIMELINE } from '#libs/bus/timeline.ts';
import { BUS } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { openDecisions } from '#libs/decision/open-decisions.ts';
import { DecisionSettings } from '#libs/decision/settings.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { EmbeddedRouter } from '#services/agent/embedded-router.ts';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { BusView, eventually } from '#test/support/agent/agent-process.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { LiveCallHarness } from '#test/support/agent/live-call-harness.ts';
import { type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { recordLog } from '#test/support/log.ts';
import { PATIENT_MS } from '#test/support/router/client.ts';
import { http, type Play, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, HANGUP } from '#test/support/router/requests.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const busy: Play = ({ socket }) => socket.write(http('200 OK', HANGUP));

describe('an agent with an embedded router', () => {
  let nats: NatsServer;
  let routers: Routers;
  let agent: TestAgent;

  beforeEach(async () => {
    nats = await startNats();
    routers = await scriptRouters(nats.url);
    agent = await startTestAgent(nats.url, { EMBEDDED_ROUTER: 'on' });
  });
  afterEach(async () => {
    await agent.stop();
    await routers.stop();
    await nats.stop();
  });

  const place = (url: string) =>
    FreeSwitchCall.place(agent.port, { variables: { cti_bridge: `${url} 20000 20000` } });

  it('requests the endpoint itself, and writes one line about the call', async () => {
    await using endpoint = await startEndpoint(busy);
    const call = await (await place(endpoint.url)).released();
    expect(call.steering.join()).toContain('hangup USER_BUSY');
    await until('the call is reported', () => agent.lines.some(({ event }) => event === 'call.decided'));
    const about = agent.lines.filter(({ event }) => event.startsWith('call.'));
    expect(about).toMatchObject([{ event: 'call.decided', endpoint: '127.0.0.1', status: 200 }]);
    expect(routers.requests).toEqual([]);
  });

  it('ends the HTTP request when the caller hangs up', async () => {
    await using endpoint = await startEndpoint();
    const call = await place(endpoint.url);
    await once(endpoint.events, 'request');
    const closed = once(endpoint.events, 'closed');
    call.peer.end();
    await closed;
    await until('the call is reported', () => agent.lines.some(({ event }) => event === 'call.not_decided'));
    expect(agent.lines.find(({ event }) => event === 'call.not_decided')).toMatchObject({
      result: 'caller_gone',
    });
  });

  it('decides the calls in flight before it closes its connections to endpoints', async () => {
    await using endpoint = await startEndpoint();
    const call = await place(endpoint.url);
    await once(endpoint.events, 'request');
    const stopped = agent.stop();
    await until('it accepts no calls', () =>
      FreeSwitchCall.place(agent.port).then(
        () => false,
        () => true,
      ),
    );
    endpoint.received[0]?.socket.write(http('200 OK', HANGUP));
    await call.released();
    expect(call.steering.join()).toContain('hangup USER_BUSY');
    await stopped;
  });

  it('publishes the figures of its endpoints', async () => {
    await using endpoint = await startEndpoint(busy);
    const published: ServiceStatus[] = [];
    const view = await BusView.open(nats);
    view.bus.nats.subscribe(BUS.status, {
      callback: (_, message) => void published.push(ServiceStatus.parse(message.json())),
    });
    await view.bus.nats.flush();
    await (await place(endpoint.url)).released();
    await agent.stop();
    await until('the last status has arrived', () => published.at(-1)?.checks['lifecycle'] === 'stopping');
    expect(published.at(-1)?.endpoints).toMatchObject([
      { origin: new URL(endpoint.url).origin, requests: 1, failures: 0, breaker: 'closed' },
    ]);
    await view.close();
  });
});

it('a call is routed while NATS is away, and its notifications are published when NATS is back', async () => {
  const answer = '{"dial":{"type":"gateway","gateway":"gw","number":"123456"}}';
  await using endpoint = await startEndpoint(({ socket }) => socket.write(http('200 OK', answer)));
  await using harness = await LiveCallHarness.start();
  harness.url = endpoint.url;
  const agent = await harness.agent({ EMBEDDED_ROUTER: 'on' });
  await harness.nats.kill();
  await eventually(() => agent.said('nats.connection_lost'));
  const call = harness.place(agent);
  await eventually(() => call.statuses.includes(200));
  expect(endpoint.received).toHaveLength(1);
  await harness.natsBack();
  const actions = async () => (await harness.view.published(call.uuid)).map(({ action }) => action);
  await eventually(async () => (await actions()).includes('answer'));
  expect(await actions()).toEqual(['ring', 'answer']);
  expect(await harness.view.urls(call.uuid)).toEqual([endpoint.url]);
});

it('a fault in one request is internal_error for its call, and other calls are decided', async () => {
  await using endpoint = await startEndpoint(busy);
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, PATIENT_MS);
  const service = openDecisions(DecisionSettings.parse({}), 'agent', NO_TIMELINE, lifecycle, log);
  const router = new EmbeddedRouter(
    {
      request: (request, ...rest) => {
        if (request.request.uuid === 'faulty') throw new Error('a fault');
        return service.request(request, ...rest);
      },
    },
    log,
  );
  const ask = (uuid: string) =>
    router.request(decisionRequest(endpoint.url, uuid), PATIENT_MS, callContext(uuid), () => {});
  expect(await Promise.all([ask('faulty'), ask('sound')])).toMatchObject([
    { result: 'internal_error', error: 'a fault' },
    { result: 'decided' },
  ]);
  expect(lines.filter(({ event }) => event === 'request.failed')).toMatchObject([{ call: 'faulty' }]);
  await lifecycle.stop();
});
