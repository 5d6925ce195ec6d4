import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { EventPublisher } from '#services/agent/event-publisher.ts';
import { BusView } from '#test/support/agent/agent-process.ts';
import { replay } from '#test/support/agent/replay.ts';
import { recordedEvents } from '#test/support/esl/recordings.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

let nats: NatsServer;
let lifecycle: Lifecycle;
let bus: Bus;
const { log } = recordLog();

beforeEach(async () => {
  nats = await startNats();
  lifecycle = new Lifecycle(log, 5_000);
  bus = await Bus.connect(nats.url, 'agent', lifecycle, log);
});
afterEach(async () => {
  await lifecycle.stop();
  await nats.stop();
});

/** @param watchedMs for how long this agent has received events. */
const agent = (watchedMs: number) =>
  new EventPublisher({
    bus,
    config: readAgentConfig({ NODE_NAME: 'fs1' }),
    log,
    aside: SetAside.open(lifecycle, log),
    watchedMs: () => watchedMs,
  });

const isEnd = (event: Record<string, unknown>) => event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE';

it.each(['answered', 'callee-hangs-up', 'simultaneous'])(
  'an agent that saw only the end of a call publishes it after what the other agent of the node has buffered: %s',
  { timeout: 60_000 },
  async (recording) => {
    const events = recordedEvents(recording);
    const [first, second] = [agent(Number.POSITIVE_INFINITY), agent(0)];
    // There is no stream yet: nothing is accepted.
    for (const event of events) first.onEvent(event);
    await until('the first agent waits', () => first.buffer.trouble !== undefined);
    const view = await BusView.open(nats);
    for (const event of events.filter(isEnd)) second.onEvent(event);
    await until('both have published', () => first.buffer.size + second.buffer.size === 0);
    const published = (await view.published()).map(({ action }) => action);
    await view.close();
    const all = replay(events, { nodeName: 'fs1', defaultUrl: undefined });
    expect(all.length).toBeGreaterThan(1);
    expect(published).toEqual(
      all.filter(({ wanted }) => wanted).map(({ notification }) => notification.action),
    );
  },
);

it('an agent alone on its node publishes it too', { timeout: 60_000 }, async () => {
  const view = await BusView.open(nats);
  const alone = agent(0);
  for (const event of recordedEvents('answered').filter(isEnd)) alone.onEvent(event);
  await until('it is published', async () => (await view.published()).length === 1);
  await view.close();
});
