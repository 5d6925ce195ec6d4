import { describe, expect, test } from 'vitest';
import { FAULTS, type Fault, faultNamed } from './faults.ts';
import type { Row } from './judge.ts';
import { runFaults } from './run.ts';
import { tableHead, tableLine } from './table.ts';

const RATE = 12;
const TIMING = { seconds: 'short', beforeMs: 300, steadyMs: 700 } as const;
const TIME_MS = 180_000;

/**
 * Faults that can share a cluster, one line after the other; those on a line happen at once. The corrupted wires need
 * TLS, the rest is spoken in the clear.
 */
const CLUSTERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'processes and servers that die, freeze and fill up': [
    ['kill-agent', 'kill-router', 'kill-notifier'],
    ['kill-twin', 'kill-nats'],
    ['kill-lone-agent', 'kill-redis'],
    ['freeze-agent', 'freeze-router', 'freeze-one-notifier'],
    ['freeze-nats'],
    ['freeze-redis', 'freeze-notifier'],
    ['rolling-restart'],
    ['nats-away', 'redis-away'],
    ['jetstream-full'],
    ['redis-full'],
    ['none'],
  ],
  'wires, switches, clocks and the endpoint': [
    ['clock-ahead', 'reset-agent-freeswitch', 'reset-agent-nats', 'reset-notifier-redis', 'reset-endpoint'],
    [
      'delay-agent-nats',
      'delay-router-nats',
      'delay-notifier-redis',
      'delay-agent-freeswitch',
      'delay-endpoint',
    ],
    ['cut-agent-nats', 'cut-notifier-redis'],
    ['cut-router-nats', 'cut-agent-freeswitch'],
    ['cut-endpoint'],
    ['stall-agent-nats', 'stall-notifier-redis'],
    ['stall-router-nats', 'stall-agent-freeswitch'],
    ['stall-endpoint'],
    ['endpoint-down'],
    ['endpoint-slow'],
    ['endpoint-503'],
    ['freeswitch-crash', 'freeswitch-restart'],
  ],
  'wires that corrupt': [
    ['clock-behind', 'corrupt-agent-nats', 'corrupt-notifier-redis'],
    ['corrupt-router-nats', 'corrupt-endpoint', 'corrupt-agent-freeswitch'],
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
