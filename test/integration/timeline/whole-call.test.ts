import { type JsMsg, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { timelineSubject } from '#libs/bus/timeline.ts';
import { BUS } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';
import type { Callee, CallScript } from '#test/support/cases/case-node.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type SimulatedCaseNode, simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { until } from '#test/support/until.ts';

const CALLER = { number: '13812345678', name: 'Alice' };
const DIAL = '{"variables":{"x":"Alice"},"dial":{"type":"gateway","number":"123456","gateway":"gw"}}';

describe.each(['full', 'masked'])('with numbers %s', (numbers) => {
  let nats: NatsServer;
  let client: NatsConnection;
  let one: SimulatedCaseNode;
  let cluster: TestCluster;
  const statuses: ServiceStatus[] = [];

  beforeAll(async () => {
    nats = await startNats();
    client = await connect({ servers: nats.url });
    client.subscribe(BUS.status, {
      callback: (_, message) => void statuses.push(ServiceStatus.parse(message.json())),
    });
    await client.flush();
    vi.stubEnv('NATS_URL', nats.url);
    one = await simulatedCaseNode();
    cluster = await startTestCluster(one, () => ({ LOG_NUMBERS: numbers }));
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    await cluster?.stop();
    await one?.stop();
    await client?.close();
    await nats?.stop();
  });

  const place = (callees: Readonly<Record<string, Callee>>, more: Partial<CallScript> = {}) =>
    one.call({
      caller: CALLER,
      destination: '05557777',
      ctiBridge: cluster.url.replace('http://', 'http://user:password@'),
      socket: cluster.socket,
      fallback: 'sofia/gateway/gw/999',
      callees,
      ...more,
    });

  /** All that is kept of a call, as it was written. */
  async function timelineOf(uuid: string): Promise<string[]> {
    const consumer = await jetstream(client).consumers.get(BUS.timelineStream, {
      filter_subjects: timelineSubject(uuid),
    });
    const { num_pending } = await consumer.info();
    const texts: string[] = [];
    if (num_pending === 0) return texts;
    for await (const message of (await consumer.fetch({ max_messages: num_pending })) as AsyncIterable<JsMsg>)
      texts.push(message.string());
    return texts;
  }
  const name = (step: TimelineStep): string => {
    if (step.step === 'published') return `published ${step.notification.action}`;
    return step.step === 'attempted' ? `${step.outcome} ${step.notification.split('.').at(-1)}` : step.step;
  };
  const steps = (texts: readonly string[]) => texts.map((text) => TimelineStep.parse(JSON.parse(text)));
  const stepsOf = async (uuid: string, expected: readonly string[]): Promise<string[]> => {
    let texts: string[] = [];
    await until(async () => {
      texts = await timelineOf(uuid);
      expect(steps(texts).map(name).toSorted()).toEqual(expected.toSorted());
    });
    return texts;
  };

  it('an answered call leaves exactly its steps', async () => {
    cluster.answer = () => ({ body: DIAL });
    const { uuid } = await place({ '123456': { ringAt: 20, answerAt: 60 } }, { byeAt: 50 });
    const actions = ['ring', 'answer', 'hangup'];
    const texts = await stepsOf(uuid, [
      ...['received', 'requested', 'decided'],
      ...actions.flatMap((action) => [`published ${action}`, `delivered ${action}`]),
    ]);
    const all = steps(texts);
    const only = <S extends TimelineStep['step']>(which: S) =>
      all.find(({ step }) => step === which) as Extract<TimelineStep, { step: S }>;
    const endpoint = `${new URL(cluster.url).origin}/binding`;
    expect(only('received')).toMatchObject({ endpoint, node: 'node', by: expect.stringMatching(/^agent@/) });
    expect(only('requested')).toMatchObject({ endpoint, fallback: false, result: 'decided', status: 200 });
    expect(only('requested').phases).toMatchObject({
      connect_ms: expect.any(Number),
      ttfb_ms: expect.any(Number),
    });
    expect(only('decided')).toMatchObject({ result: 'decided', by: only('received').by });
    expect(only('decided').applications.at(-1)).toMatch(/^hangup/);
    expect(only('decided').applications).toContainEqual(
      expect.stringMatching(/^bridge [[{].*[\]}]sofia\/gateway\/gw\/.{4}56$/),
    );
    expect(only('attempted')).toMatchObject({ endpoint, attempt: 1, status: 200 });
    expect(only('received')).not.toHaveProperty('notify');
    const hangup = all.find((step) => step.step === 'published' && step.notification.action === 'hangup');
    expect(hangup).toMatchObject({ notification: { tried: [{ gateway: 'gw', answered: true }] } });
    expect(new Set(all.map(({ by }) => by.split('@')[0]))).toEqual(new Set(['agent', 'router', 'notifier']));

    expect(texts.join('\n')).not.toMatch(/user:password|shop=/);
    if (numbers === 'masked') expect(texts.join('\n')).not.toMatch(/1381234|123456|5557777|Alice/);
    else expect(only('requested').answer).toBe(DIAL);
  });

  it('a call without notifications says so, since its end is not recorded', async () => {
    cluster.answer = () => ({ body: DIAL });
    const ctiBridge = `${cluster.url} 3000 3000 0`;
    const { uuid } = await place({ '123456': { ringAt: 20, answerAt: 60 } }, { byeAt: 50, ctiBridge });
    const texts = await stepsOf(uuid, ['received', 'requested', 'decided']);
    expect(steps(texts).find(({ step }) => step === 'received')).toMatchObject({ notify: false });
  });

  it('a call without a decision records the request and the applications sent to FreeSWITCH', async () => {
    cluster.answer = () => ({ status: 500, body: 'not today' });
    const { uuid } = await place({}, {});
    const texts = await stepsOf(uuid, [
      'received',
      'requested',
      'decided',
      'published hangup',
      'delivered hangup',
    ]);
    const decided = steps(texts).find(({ step }) => step === 'decided');
    expect(decided).toMatchObject({
      result: 'http_status',
      applications: [
        'set dialhook_result=http_status',
        expect.stringMatching(/^set dialhook_error=/),
        'set dialhook_attempt=1',
        expect.stringMatching(
          /^export nolocal:cti_bridge=http:\/\/127[.]0[.]0[.]1:\d+\/binding 3000 3000 1$/,
        ),
      ],
    });
  });

  it('a caller who hangs up first leaves a request and no applications', async () => {
    cluster.answer = () => 'silent';
    const { uuid } = await place({}, { cancelAt: 300 });
    const texts = await stepsOf(uuid, [
      'received',
      'requested',
      'decided',
      'published hangup',
      'delivered hangup',
    ]);
    for (const step of steps(texts)) {
      if (step.step === 'requested') expect(step).toMatchObject({ result: 'caller_gone' });
      if (step.step === 'decided') expect(step).toMatchObject({ result: 'caller_gone', applications: [] });
    }
  });

  it('each process publishes its start, its work in flight and its stop', async () => {
    const services = () => new Set(statuses.filter(({ ready }) => ready).map(({ instance }) => instance));
    await until(() => expect(services().size).toBe(4));
    const busy = () =>
      statuses.filter(({ service }) => service === 'router').flatMap(({ endpoints = [] }) => endpoints);
    await until(() => expect(busy().length).toBeGreaterThan(0));
    expect(busy()[0]).toMatchObject({ origin: new URL(cluster.url).origin, breaker: 'closed' });
    const figures = (service: string) =>
      Object.assign({}, ...statuses.filter((one) => one.service === service).map((one) => one.figures));
    expect(figures('agent')).toMatchObject({
      event_socket_up: 1,
      notifications_buffered: 0,
      timeline_dropped: 0,
    });
    expect(figures('notifier')).toMatchObject({
      dead_letters: 0,
      stream_messages: expect.any(Number),
      queue_waiting: expect.any(Number),
    });
    await cluster.stop();
    await until(() => {
      for (const instance of services())
        expect(statuses.findLast((one) => one.instance === instance)).toMatchObject({ ready: false });
    });
  });
});
