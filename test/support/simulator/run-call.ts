import { afterEach, beforeEach } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { Callee, CallScript } from '#libs/simulator/call-script.ts';
import { fastClock } from '#libs/simulator/clock.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';

/** The simulated FreeSWITCH of the running test; its clock runs ten times as fast as real time. */
export let node: SimulatedFreeSwitch;

/** One node per test: gateways gw and gw2; users 1000 with one device, 2000 with two, 3000 with none. */
export function useNode(): void {
  beforeEach(async () => {
    node = await SimulatedFreeSwitch.start({ name: 'fs1', clock: fastClock(10) });
    for (const gateway of ['gw', 'gw2']) node.gateways.add(gateway);
    node.registerUser('1000', ['sip:1000@10.0.0.9:5060']);
    node.registerUser('2000', ['sip:2000@10.0.0.10:5060', 'sip:2000@10.0.0.11:5062;fs_nat=yes']);
    node.registerUser('3000', []);
  });
  afterEach(() => node.stop());
}

export const RINGS: Callee = { ringAt: 0 };
export const ANSWERS: Callee = { ringAt: 0, answerAt: 100 };
export const refuses = (status: number): Callee => ({ refuse: { at: 0, status } });

/** Places a call and waits for its end. Numbers without a callee are refused with 404. */
export const run = (
  dialplan: readonly string[],
  callees: Readonly<Record<string, Callee>> = {},
  more: Partial<CallScript> = { byeAt: 100 },
): Promise<CallRecord> =>
  node.call({
    caller: { number: '100', name: 'A' },
    destination: '200',
    dialplan,
    callee: ({ number }) => callees[number] ?? refuses(404),
    ...more,
  }).ended;

export const names = (record: CallRecord): string[] => record.applications.map(({ name }) => name);
export const numbers = (record: CallRecord): string[] => record.invites.map(({ number }) => number);
