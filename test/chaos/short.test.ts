import { describe, expect, test } from 'vitest';
import { FAULTS, type Fault, faultNamed } from './faults.ts';
import type { Row } from './judge.ts';
import { runFaults } from './run.ts';
import { tableHead, tableLine } from './table.ts';

const RATE = 8;
const TIMING = { seconds: 'short', beforeMs: 300, steadyMs: 700 } as const;
const TIME_MS = 240_000;

/**
 * Faults that can share a cluster, one line after the other; those on a line happen at once. Corrupted wires need TLS,
 * and a clock that is wrong is so all the time.
 */
const CLUSTERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'processes and servers that die, freeze and fill up': [
    ['none', 'kill-agent', 'kill-router', 'kill-notifier'],
    ['kill-twin', 'kill-nats'],
    ['kill-lone-agent', 'kill-redis'],
    ['freeze-agent', 'freeze-router', 'freeze-one-notifier'],
    ['freeze-nats', 'freeze-redis', 'freeze-notifier'],
    ['rolling-restart'],
    ['nats-away', 'redis-away'],
    ['jetstream-full'],
    ['redis-full', 'clock-ahead'],
  ],
  'wires, switches, clocks and the endpoint': [
    ['clock-behind', 'reset-agent-freeswitch', 'reset-agent-nats', 'reset-notifier-redis', 'reset-endpoint'],
    [
      ...['delay-agent-nats', 'delay-router-nats', 'delay-notifier-redis'],
      ...['delay-agent-freeswitch', 'delay-endpoint'],
    ],
    ['cut-agent-nats', 'cut-router-nats', 'cut-notifier-redis', 'cut-agent-freeswitch', 'cut-endpoint'],
    ['stall-agent-nats', 'stall-router-nats', 'stall-notifier-redis', 'stall-agent-freeswitch'],
    ['stall-endpoint'],
    ['endpoint-down'],
    ['endpoint-slow', 'freeswitch-crash', 'freeswitch-restart'],
    ['endpoint-503'],
  ],
  'wires that corrupt': [
    ['corrupt-agent-nats', 'corrupt-router-nats', 'corrupt-notifier-redis'],
    ['corrupt-endpoint', 'corrupt-agent-freeswitch'],
  ],
};

function faultsOf(names: readonly string[]): Fault[] {
  return names.map((name) => {
    const fault = faultNamed(name);
    if (fault === undefined) throw new Error(`no fault is called ${name}`);
    return fault;
  });
}

test('every fault has its short form', () => {
  const named = Object.values(CLUSTERS).flat(2);
  expect(named.toSorted()).toEqual(FAULTS.map(({ name }) => name).toSorted());
});

describe.concurrent('the promises hold under', () => {
  test.for(Object.entries(CLUSTERS))('%s', { timeout: TIME_MS }, async ([, stages]) => {
    const rows: Row[] = await runFaults(stages.map(faultsOf), { rate: RATE, timing: TIMING });
    console.log([tableHead(), ...rows.map(tableLine)].join('\n'));
    expect(rows.filter(({ ok }) => !ok).map(({ fault, broken }) => ({ fault, broken }))).toEqual([]);
  });
});
