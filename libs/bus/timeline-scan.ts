import { DeliverPolicy } from '@nats-io/jetstream';
import { BUS } from '#libs/contract/messages.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { fetchMessages } from './fetch-messages.ts';
import { isStreamMissing } from './streams.ts';
import { readStep } from './timeline-reader.ts';

const REQUEST_TIMEOUT_MS = 2_000;
/** Messages requested at once: enough to keep the connection busy. */
const BATCH = 1_000;
const SILENCE_MS = 5_000;

interface ScanOptions {
  /** Begins with the first step that the stream stored at this time or later; undefined: with its first step. */
  readonly from: Date | undefined;
  readonly signal: AbortSignal;
  /** The scan throws when NATS sends nothing for so long. Default: 5,000. */
  readonly silenceMs?: number;
}

/**
 * Reads every step of the timeline stream up to its present end, in stream order, with its sequence. Invalid steps are left
 * out. Reads nothing when there is no stream. Throws when NATS does not answer or sends no further steps, and as soon as
 * `signal` is aborted.
 */
export async function* scanTimeline(
  bus: Bus,
  log: Log,
  { from, signal, silenceMs = SILENCE_MS }: ScanOptions,
): AsyncGenerator<readonly [step: TimelineStep, order: number]> {
  const client = bus.jetstream({ timeout: REQUEST_TIMEOUT_MS });
  const manager = await bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
  const stream = await manager.streams.info(BUS.timelineStream).catch((error: unknown) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });
  if (stream === undefined || stream.state.messages === 0) return;
  const { last_seq, last_ts } = stream.state;
  if (from !== undefined && from > new Date(last_ts)) return;
  const consumer = await client.consumers.get(
    BUS.timelineStream,
    from === undefined
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.toISOString() },
  );
  try {
    for (let reached = 0; reached < last_seq; ) {
      const before = reached;
      for await (const message of fetchMessages(consumer, { max: BATCH, silenceMs, signal })) {
        signal.throwIfAborted();
        reached = message.seq;
        const step = readStep(message, log);
        if (step !== undefined) yield [step, message.seq];
        if (reached >= last_seq) break;
      }
      signal.throwIfAborted();
      if (reached > before) continue;
      if (!bus.connected) throw new Error('not connected to NATS');
      const { first_seq } = (await manager.streams.info(BUS.timelineStream)).state;
      // The stream has dropped its last messages meanwhile.
      if (first_seq > last_seq) return;
      throw new Error(`NATS sent no step of ${BUS.timelineStream} for ${silenceMs} ms`);
    }
  } finally {
    if (bus.connected) await consumer.delete().catch(() => {});
  }
}
