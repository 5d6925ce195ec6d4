import { microseconds } from '#libs/simulator/clock.ts';
import type { Channel } from './channel.ts';

/** Since when a channel has been recorded, in microseconds; undefined while it is not connected (RECORD_BRIDGE_REQ). */
const recordedSince = new WeakMap<Channel, number | undefined>();
const SAMPLES_PER_MS = 8;

/** The application `record_session`, without a file. A second one of the same file has no effect. */
export function startRecording(channel: Channel): void {
  if (recordedSince.has(channel) || !channel.up) return;
  recordedSince.set(channel, channel.bridgeRole === undefined ? undefined : microseconds(channel.host.clock));
  channel.onHangup(() => stopRecording(channel));
}

/** Call when the channel is connected with another one. */
export function connectRecording(channel: Channel): void {
  if (recordedSince.has(channel) && recordedSince.get(channel) === undefined)
    recordedSince.set(channel, microseconds(channel.host.clock));
}

/** The application `stop_record_session`. Without audio FreeSWITCH removes the file (record_callback). */
export function stopRecording(channel: Channel): void {
  if (!recordedSince.has(channel)) return;
  const now = microseconds(channel.host.clock);
  const ms = Math.floor((now - (recordedSince.get(channel) ?? now)) / 1000);
  recordedSince.delete(channel);
  if (ms === 0) channel.set('RECORD_DISCARDED', 'true');
  channel.setAll([
    ['record_samples', String(ms * SAMPLES_PER_MS)],
    ['record_seconds', String(Math.floor(ms / 1000))],
    ['record_ms', String(ms)],
  ]);
}
