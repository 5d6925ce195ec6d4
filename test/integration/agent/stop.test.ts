import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { startTestAgent } from '#test/support/agent/agent.ts';
import { BusView } from '#test/support/agent/agent-process.ts';
import { FakeFreeSwitch, hangupEvent } from '#test/support/esl/fake-freeswitch.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

it('an agent that stops publishes the events of a batch that it has not read yet', async () => {
  const nats = await startNats();
  const freeSwitch = await FakeFreeSwitch.start();
  const view = await BusView.open(nats);
  const agent = await startTestAgent(nats.url, {
    FREESWITCH_PORT: String(freeSwitch.port),
    EVENT_BATCH_MS: '1000',
  });
  await until(() => agent.freeSwitch.up);
  const [read, unread] = [randomUUID(), randomUUID()];
  const isPublished = async (uuid: string) => (await view.hangups(uuid)).length === 1;
  await freeSwitch.send(hangupEvent(read, 'http://crm/'));
  await until('the first event is read, and the next batch begins', () => agent.publisher.buffer.size > 0);
  await freeSwitch.send(hangupEvent(unread, 'http://crm/'));
  await agent.stop();
  expect([await isPublished(read), await isPublished(unread)]).toEqual([true, true]);
  await view.close();
  await freeSwitch.close();
  await nats.stop();
});
