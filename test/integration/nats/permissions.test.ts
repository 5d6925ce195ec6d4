import { randomUUID } from 'node:crypto';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { DecisionServer } from '#libs/bus/decisions.ts';
import { ensureProgressStream, ProgressPublisher, restartProgressConsumer } from '#libs/bus/progress.ts';
import { isNotPermitted } from '#libs/bus/streams.ts';
import { BUS } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { startTestCluster } from '#test/support/cases/stack.ts';
import { ringing } from '#test/support/notifier/progress.ts';
import { owned } from '#test/support/owned.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import { type PASSWORDS, type SecureNats, startSecureNats } from '#test/support/servers/secure-nats.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';
import { until } from '#test/support/until.ts';

type User = keyof typeof PASSWORDS;

const log = createLog('test', { level: 'silent' });
const LIMITS = { replicas: 1, maxBytes: 2 ** 28, maxAgeMs: 3 * 86_400_000, duplicateWindowMs: 120_000 };
const PATIENT_MS = 5_000;
let nats: SecureNats;
const open: Lifecycle[] = [];

beforeAll(async () => {
  nats = await startSecureNats();
});
afterEach(async () => {
  for (const lifecycle of open.splice(0)) await lifecycle.stop();
});
afterAll(() => nats[Symbol.asyncDispose]());

/** A connection with a service's own rights, and what NATS has refused it. */
async function as(user: User): Promise<{ bus: Bus; refused: string[] }> {
  const lifecycle = new Lifecycle(log, PATIENT_MS);
  open.push(lifecycle);
  const bus = await Bus.connect(nats.config(user), user, lifecycle, log);
  const refused: string[] = [];
  const watch = async () => {
    for await (const status of bus.nats.status())
      if (status.type === 'error') refused.push(status.error.message);
  };
  owned(watch)();
  return { bus, refused };
}

/** What NATS says of a publication or a subscription, after it has answered what came behind it. */
async function attempt(user: User, act: (bus: Bus) => unknown): Promise<string> {
  const { bus, refused } = await as(user);
  await act(bus);
  await bus.nats.flush();
  await turn();
  return refused.join('\n');
}

const anyMessage = { v: 1 };
const publish = (subject: string) => (bus: Bus) => bus.nats.publish(subject, JSON.stringify(anyMessage));
const subscribe = (subject: string, queue?: string) => (bus: Bus) =>
  bus.nats.subscribe(subject, { callback: () => {}, ...(queue === undefined ? {} : { queue }) });

type Attack = [what: string, act: (bus: Bus) => unknown];

/** What only the console may do. */
const delivered: Attack[] = [
  ['subscribe to timelines', subscribe(`${BUS.timeline}.>`)],
  ['hear how the others are', subscribe(BUS.status)],
  ['read the timelines', publish(`$JS.API.CONSUMER.CREATE.${BUS.timelineStream}.mine`)],
  ['read a step', publish(`$JS.API.STREAM.MSG.GET.${BUS.timelineStream}`)],
  ['delete the timelines', publish(`$JS.API.STREAM.PURGE.${BUS.timelineStream}`)],
  ['hear what the console hears', subscribe('_INBOX.dialhook-console.>')],
  ['answer the console unasked', publish('_INBOX.dialhook-console.x.y')],
];
const controls: Attack[] = [
  ['hang up calls', publish(`${BUS.control}.fs1`)],
  ['hear what operators want', subscribe(`${BUS.control}.>`)],
  ['answer operators', subscribe(`${BUS.control}.fs1`, 'agents')],
];

/** What only agents may do. */
const places: Attack[] = [
  ['take the places of a limit', publish(`${BUS.limits}.place.gw=3agw.fs1.x.1-0`)],
  ['keep a lost node alive', publish(`${BUS.limits}.node.fs1`)],
  ['free places', publish(`$JS.API.STREAM.MSG.DELETE.${BUS.limitStream}`)],
];

describe('with no more rights than deploy/nats/nats.conf gives', () => {
  it('a complete call causes no permission error', async () => {
    vi.stubEnv('NATS_URL', nats.url);
    const one = await simulatedCaseNode();
    const cluster = await startTestCluster(one, (service) => nats.env(service as User));
    vi.unstubAllEnvs();
    try {
      cluster.answer = () => ({
        body: '{"dial":{"type":"gateway","number":"123456","gateway":"gw"},"limit":[{"id":"a","max":1}]}',
      });
      const { uuid } = await one.call({
        caller: { number: '138', name: 'A' },
        destination: '0555',
        ctiBridge: cluster.url,
        socket: cluster.socket,
        fallback: 'sofia/gateway/gw/999',
        callees: { '123456': { ringAt: 10, answerAt: 30 } },
        byeAt: 50,
      });
      const delivered = () => cluster.delivered.filter(({ notification }) => notification.uuid === uuid);
      await until(() => expect(delivered()).toHaveLength(3));
      cluster.answer = () => 'silent';
      const gone = await one.call({
        caller: { number: '138', name: 'A' },
        destination: '0556',
        ctiBridge: cluster.url,
        socket: cluster.socket,
        fallback: 'sofia/gateway/gw/999',
        callees: {},
        cancelAt: 300,
      });
      await until(() => expect(cluster.abandoned).toBe(1));
      await until(() =>
        expect(cluster.delivered.some(({ notification }) => notification.uuid === gone.uuid)).toBe(true),
      );
    } finally {
      await cluster.stop();
      await one.stop();
    }
    const lines = cluster.log.map((line) => JSON.stringify(line));
    expect(
      lines.filter((line) => /permissions? violation|authorization|"level":"(error|fatal)"/i.test(line)),
    ).toEqual([]);
  });

  it('an agent sends a request and a router replies', async () => {
    const { bus: router } = await as('router');
    const { promise: abandoned, resolve: onAbandon } = Promise.withResolvers<void>();
    const server = new DecisionServer(router, log, new SetAside(log), async (_, __, { accept, signal }) => {
      accept().catch(() => {});
      signal.addEventListener('abort', () => onAbandon());
      await abandoned;
      return { v: 1, result: 'http_status', error: 'yes' };
    });
    await router.nats.flush();
    const { bus: agent, refused } = await as('agent');
    const request = decisionRequest('http://a/');
    const client = new DecisionClient(agent);
    const reply = client.request(request, PATIENT_MS, callContext(request.request.uuid));
    client.abandon(request.request.uuid);
    expect(await reply).toMatchObject({ error: 'yes' });
    expect(refused).toEqual([]);
    await server.stop();
  });

  it('an agent publishes progress and a notifier reads it', async () => {
    const uuid = randomUUID();
    const { bus: notifier, refused } = await as('notifier');
    await ensureProgressStream(notifier, LIMITS);
    const consumer = await restartProgressConsumer(notifier, partitionOf(uuid));
    const { bus: agent } = await as('agent');
    const progress = ringing('http://a/', uuid, 'leg');
    await new ProgressPublisher(agent).publish(progress, callContext(progress.notification.uuid));
    const message = await consumer.next({ expires: PATIENT_MS });
    expect(message?.json()).toEqual(progress);
    await message?.ackAck();
    expect(refused).toEqual([]);
  });
});

describe('the console', () => {
  it.each(['agent', 'router', 'notifier'] as const)(
    'receives timeline and status of the %s',
    async (user) => {
      const { bus: looks, refused } = await as('console');
      const heard: string[] = [];
      for (const subject of [`${BUS.timeline}.*`, BUS.status])
        looks.nats.subscribe(subject, { callback: (_, { subject }) => void heard.push(subject) });
      await looks.nats.flush();
      const { bus: teller, refused: refusedToTell } = await as(user);
      const step = `${BUS.timeline}.${randomUUID()}`;
      teller.nats.publish(step, '{}');
      teller.nats.publish(BUS.status, '{}');
      await teller.nats.flush();
      await until(() => expect(heard).toEqual([step, BUS.status]));
      const kept = await (await jetstreamManager(looks.nats)).streams.getMessage(BUS.timelineStream, {
        last_by_subj: step,
      });
      expect(kept?.string()).toBe('{}');
      const consumer = await jetstream(looks.nats).consumers.get(BUS.timelineStream, {
        filter_subjects: step,
      });
      expect((await consumer.next({ expires: PATIENT_MS }))?.subject).toBe(step);
      expect([...refused, ...refusedToTell]).toEqual([]);
    },
  );

  it('sends hangup and transfer requests, each answered by one agent', async () => {
    const { bus: agent, refused } = await as('agent');
    agent.nats.subscribe(`${BUS.control}.fs1`, {
      callback: (_, message) => {
        message.respond('done');
        message.respond('twice');
      },
    });
    await agent.nats.flush();
    const { bus: asks } = await as('console');
    expect((await asks.nats.request(`${BUS.control}.fs1`, '{}')).string()).toBe('done');
    await agent.nats.flush();
    await turn();
    expect(refused.join()).toMatch(/permissions violation/i);
  });
});

describe('an attacker with the credentials of the console', () => {
  it.each<Attack>([
    ['answer requests', subscribe(BUS.decide, BUS.routers)],
    ['hear requests, in which endpoints may stand with passwords', subscribe(BUS.decide)],
    ['request a decision', publish(BUS.decide)],
    ['abandon calls', publish(BUS.abandon)],
    ['forge progress', publish(`${BUS.progress}.1.fs1`)],
    ['forge steps', publish(`${BUS.timeline}.x`)],
    ['forge an answer', publish('_INBOX.dialhook-agent.x.y')],
    ['hear the answers of routers', subscribe('_INBOX.dialhook-agent.>')],
    ['answer for an agent', subscribe(`${BUS.control}.fs1`)],
    ['touch live calls', publish(`$JS.API.STREAM.MSG.DELETE.${BUS.liveStream}`)],
    ...places,
    ['read progress', publish(`$JS.API.CONSUMER.CREATE.${BUS.stream}.x`)],
    ['delete steps', publish(`$JS.API.STREAM.MSG.DELETE.${BUS.timelineStream}`)],
    ['delete the timelines', publish(`$JS.API.STREAM.PURGE.${BUS.timelineStream}`)],
    ['make streams', publish('$JS.API.STREAM.CREATE.OTHER')],
  ])('cannot %s', async (_, act) => {
    expect(await attempt('console', act)).toMatch(/permissions violation/i);
  });
});

describe('an attacker with the credentials of a router', () => {
  it.each<Attack>([
    ['publish progress', publish(`${BUS.progress}.1.fs1`)],
    ['publish live calls', publish(`${BUS.live}.fs1.x`)],
    ...places,
    ['ask other routers', publish(BUS.decide)],
    ['abandon the calls of others', publish(BUS.abandon)],
    ['write to an inbox that has not asked', publish('_INBOX.dialhook-agent.x.y')],
    ['purge the stream', publish(`$JS.API.STREAM.PURGE.${BUS.stream}`)],
    ['delete the stream', publish(`$JS.API.STREAM.DELETE.${BUS.stream}`)],
    ['read the stream', publish(`$JS.API.CONSUMER.MSG.NEXT.${BUS.stream}.notifier-1`)],
    ['acknowledge for the notifier', publish(`$JS.ACK.${BUS.stream}.notifier-1.1.1.1.1.1`)],
    ['listen to progress', subscribe(`${BUS.progress}.>`)],
    ...delivered,
    ...controls,
    ['listen to the answers of other routers', subscribe('_INBOX.dialhook-agent.>')],
    ['listen to every request, outside the queue group', subscribe(BUS.decide)],
    ['listen to everything', subscribe('>')],
    ['answer for NATS', subscribe('$JS.API.>')],
  ])('cannot %s', async (_, act) => {
    expect(await attempt('router', act)).toMatch(/permissions violation/i);
  });

  it('cannot answer more often than with an acceptance and a reply', async () => {
    const { bus: router, refused } = await as('router');
    router.nats.subscribe(BUS.decide, {
      queue: BUS.routers,
      callback: (_, message) => {
        message.respond('one');
        message.respond('two');
        message.respond('three');
      },
    });
    await router.nats.flush();
    const { bus: agent } = await as('agent');
    expect((await agent.nats.request(BUS.decide, '')).string()).toBe('one');
    await router.nats.flush();
    await turn();
    expect(refused.join()).toMatch(/permissions violation/i);
  });
});

describe('an attacker with the credentials of a notifier', () => {
  it.each<Attack>([
    ['answer requests', subscribe(BUS.decide, BUS.routers)],
    ['hear requests', subscribe(BUS.decide)],
    ['request a decision', publish(BUS.decide)],
    ['abandon calls', publish(BUS.abandon)],
    ['forge progress', publish(`${BUS.progress}.1.fs1`)],
    ['forge an answer', publish('_INBOX.dialhook-agent.x.y')],
    ['hear progress past the stream', subscribe(`${BUS.progress}.>`)],
    ['hear the answers of routers', subscribe('_INBOX.dialhook-agent.>')],
    ...delivered,
    ...controls,
    ['touch live calls', publish(`$JS.API.STREAM.MSG.DELETE.${BUS.liveStream}`)],
    ...places,
    ['read live calls', publish(`$JS.API.CONSUMER.CREATE.${BUS.liveStream}.x`)],
    ['delete the stream', publish(`$JS.API.STREAM.DELETE.${BUS.stream}`)],
    ['make other streams', publish('$JS.API.STREAM.CREATE.OTHER')],
  ])('cannot %s', async (_, act) => {
    expect(await attempt('notifier', act)).toMatch(/permissions violation/i);
  });
});

describe('an attacker with the credentials of an agent', () => {
  it.each<Attack>([
    ['answer requests', subscribe(BUS.decide, BUS.routers)],
    ['hear the requests of others', subscribe(BUS.decide)],
    ['hear progress of others', subscribe(`${BUS.progress}.>`)],
    ...delivered,
    ['hang up the calls of other nodes', publish(`${BUS.control}.fs1`)],
    ['read the stream', publish(`$JS.API.CONSUMER.CREATE.${BUS.stream}.mine`)],
    [
      'read the stream with the notifier’s consumer',
      publish(`$JS.API.CONSUMER.MSG.NEXT.${BUS.stream}.notifier-1`),
    ],
    ['read a message of the stream', publish(`$JS.API.STREAM.MSG.GET.${BUS.stream}`)],
    ['read a message directly', publish(`$JS.API.DIRECT.GET.${BUS.stream}`)],
    ['delete messages of the stream', publish(`$JS.API.STREAM.MSG.DELETE.${BUS.stream}`)],
    ['change the stream', publish(`$JS.API.STREAM.UPDATE.${BUS.stream}`)],
    ['delete the live calls', publish(`$JS.API.STREAM.DELETE.${BUS.liveStream}`)],
    ['delete the places of limits', publish(`$JS.API.STREAM.PURGE.${BUS.limitStream}`)],
    ['acknowledge for the notifier', publish(`$JS.ACK.${BUS.stream}.notifier-1.1.1.1.1.1`)],
    ['hear the inboxes of notifiers', subscribe('_INBOX.dialhook-notifier.>')],
    ['list streams', publish('$JS.API.STREAM.NAMES')],
  ])('cannot %s', async (_, act) => {
    expect(await attempt('agent', act)).toMatch(/permissions violation/i);
  });

  it('cannot have a consumer of its own deliver to where it may not publish', async () => {
    const { bus: agent } = await as('agent');
    const before = await streamState();
    await jetstream(agent.nats).publish(`${BUS.live}.fs1.x`, '{}');
    const manager = await jetstreamManager(agent.nats, { timeout: 1_000 });
    await manager.consumers
      .add(BUS.liveStream, {
        name: 'mine',
        ack_policy: AckPolicy.None,
        deliver_subject: `$JS.API.STREAM.DELETE.${BUS.stream}`,
      })
      .catch(() => {});
    await agent.nats.flush();
    await pause(200);
    expect(await streamState()).toEqual(before);
  });
});

describe('a user that may create or update streams could capture every message', () => {
  const streams = { agent: BUS.liveStream, notifier: BUS.stream } as const;
  const taps = [
    { mirror: { name: BUS.stream } },
    { sources: [{ name: BUS.stream }] },
    { subjects: ['dialhook.>'] },
  ];

  it.each(['agent', 'notifier'] as const)('so the %s may not', async (user) => {
    const { bus } = await as(user);
    const manager = await jetstreamManager(bus.nats, { timeout: 1_000 });
    const said = async (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: Error) => (isNotPermitted(error) ? 'not permitted' : error.message),
      );
    for (const tap of taps)
      expect([
        await said(manager.streams.add({ name: streams[user], ...tap })),
        await said(manager.streams.update(streams[user], tap)),
      ]).toEqual(['not permitted', 'not permitted']);
  });
});

async function streamState() {
  const { bus } = await as('notifier');
  const { created, config } = await (await jetstreamManager(bus.nats)).streams.info(BUS.stream);
  return { created, config };
}
