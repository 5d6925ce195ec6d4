import type { JetStreamManager } from '@nats-io/jetstream';
import type { BUS } from '#libs/contract/messages.ts';
import { observe } from '#libs/telemetry/metrics.ts';
import type { Bus } from './connection.ts';

type Stream = typeof BUS.stream | typeof BUS.liveStream | typeof BUS.limitStream;

const TIMEOUT_MS = 1_000;
/** Both metrics of a stream are collected together and share one request. */
const CACHE_MS = 500;

/** Registers the metrics of a stream. The NATS user needs the permission for its STREAM.INFO. */
export function observeStream(bus: Bus, stream: Stream): void {
  let manager: Promise<JetStreamManager> | undefined;
  let last: { readonly at: number; readonly info: Promise<readonly [number, number]> } | undefined;
  const request = async () => {
    if (!bus.connected) throw new Error('not connected to NATS');
    manager ??= bus.jetstreamManager({ timeout: TIMEOUT_MS });
    const { config, state } = await (await manager.catch(forget)).streams.info(stream);
    return [state.messages, config.max_bytes > 0 ? state.bytes / config.max_bytes : 0] as const;
  };
  const forget = (error: unknown): never => {
    manager = undefined;
    throw error;
  };
  const read = () => {
    if (last === undefined || performance.now() - last.at > CACHE_MS)
      last = { at: performance.now(), info: request() };
    return last.info;
  };
  const attributes = { 'dialhook.stream': stream } as const;
  observe('dialhook.jetstream.messages', async () => [[(await read())[0], attributes]]);
  observe('dialhook.jetstream.fill', async () => [[(await read())[1], attributes]]);
}
