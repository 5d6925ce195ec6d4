import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { BUS } from '#libs/contract/messages.ts';
import { observe } from '#libs/telemetry/metrics.ts';
import type { Bus } from './connection.ts';

type Stream = typeof BUS.stream | typeof BUS.liveStream;

const TIMEOUT_MS = 1_000;
/** How long one look at a stream serves: its two metrics are read one right after the other. */
const FRESH_MS = 500;

/** Observes a stream that this service's user may look at. */
export function observeStream(bus: Bus, stream: Stream): void {
  let manager: Promise<JetStreamManager> | undefined;
  let last: { readonly at: number; readonly look: Promise<readonly [number, number]> } | undefined;
  const look = async () => {
    if (!bus.connected) throw new Error('not connected to NATS');
    manager ??= jetstreamManager(bus.nats, { timeout: TIMEOUT_MS });
    const { config, state } = await (await manager.catch(forget)).streams.info(stream);
    return [state.messages, config.max_bytes > 0 ? state.bytes / config.max_bytes : 0] as const;
  };
  const forget = (error: unknown): never => {
    manager = undefined;
    throw error;
  };
  const read = () => {
    if (last === undefined || performance.now() - last.at > FRESH_MS)
      last = { at: performance.now(), look: look() };
    return last.look;
  };
  const attributes = { 'dialhook.stream': stream } as const;
  observe('dialhook.jetstream.messages', async () => [[(await read())[0], attributes]]);
  observe('dialhook.jetstream.fill', async () => [[(await read())[1], attributes]]);
}
