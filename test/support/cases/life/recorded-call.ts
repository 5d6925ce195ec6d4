import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readWav, type Wav } from '#test/support/freeswitch/wav.ts';
import { until } from '#test/support/until.ts';
import { answers, type Decide, type LifeCall, type LifeHarness, type Notified } from './harness.ts';

/** The setting RECORDINGS below its folder. */
export const RECORDING_TEMPLATE = '{destination}/{date}/{caller}-{id}.wav';

export const ALL = ['ring', 'progress', 'answer', 'recording', 'leg_end', 'hangup'];
export const BASE = { record: {}, notify: ALL };
export const NO_FILE = 'the simulator writes no files';

export const actions = (call: LifeCall) => call.notified().map(({ action }) => action);
export const recordings = (call: LifeCall) => call.notified().filter(({ action }) => action === 'recording');
export const wavOf = (life: LifeHarness, { name }: Notified): Promise<Wav> =>
  readWav(join(life.recordings, String(name)));

/** A call whose parties are connected. */
export async function connected(
  life: LifeHarness,
  how: Decide,
  callees: Parameters<LifeHarness['call']>[1] = { '777': answers },
  more: Parameters<LifeHarness['call']>[2] = {},
): Promise<LifeCall> {
  const call = life.call(how, callees, more);
  await call.talking;
  return call;
}

/** Both parties of a call talk; without RTP FreeSWITCH may record less than the time. */
export async function talk(call: LifeCall, number: string, ms: number): Promise<void> {
  const called = await call.callee(number);
  await Promise.all([sleep(ms), call.caller.speak?.(ms), called.speak?.(ms)]);
}

/** The caller talks during early media. */
export async function early(call: LifeCall): Promise<void> {
  await until('there is early media', () => call.caller.statuses.includes(183));
  await call.caller.speak?.(1000);
}

/** Every file of the recordings of a call. */
export async function filesOf(life: LifeHarness, { uuid }: LifeCall): Promise<string[]> {
  const all = await readdir(life.recordings, { recursive: true });
  return all.filter((path) => path.includes(uuid) && path.endsWith('.wav'));
}

/** Recorded and talk time differ by the start of the recording, and by packets in flight. */
export function expectLength(recording: Notified | undefined, ms: unknown): void {
  expect(recording).toMatchObject({ complete: true });
  expect(Math.abs(Number(recording?.['duration_ms']) - Number(ms))).toBeLessThan(700);
}
