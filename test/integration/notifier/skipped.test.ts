import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { BUS, type ProgressEvent } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { quietLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, ofCall, sibling } from '#test/support/notifier/progress.ts';
import { startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

test('a message that JetStream gives to no reader is delivered long before its acknowledgement is due', {
  timeout: 90_000,
}, async () => {
  await using harness = await NotifierHarness.start();
  await using endpoint = await startReceiver();
  await using notifier = await harness.notifier();
  await until('it is ready', () => notifier.health().ready);
  const lifecycle = new Lifecycle(quietLog, 5_000);
  const bus = await Bus.connect(harness.nats.url, 'thief', lifecycle, quietLog);
  const first = randomUUID();
  // Takes messages of the partition and does not acknowledge them.
  const consumer = await bus.jetstream().consumers.get(BUS.stream, `${BUS.notifier}-${partitionOf(first)}`);
  const stolen: number[] = [];
  const steal = async () => {
    const messages = await consumer.fetch({ max_messages: 1, expires: 10_000 });
    for await (const { seq } of messages) stolen.push(seq);
  };
  // They end with an error when the reader recreates the consumer.
  const thieves = Array.from({ length: 5 }, () => steal().catch(() => {}));
  const calls: ProgressEvent[][] = [];
  await until('a message is stolen', async () => {
    const call = callOf(endpoint.url, 1, calls.length === 0 ? first : sibling(first));
    calls.push(call);
    await harness.publish(call);
    return stolen.length > 0;
  });
  for (const call of calls) await until(() => expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call)));
  await harness.allAcknowledged();
  await lifecycle.stop();
  await Promise.all(thieves);
});
