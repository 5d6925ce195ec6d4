import { describe, expect, test } from 'vitest';
import type { Row } from './checker.ts';
import { FAULTS, type Fault, faultNamed } from './faults.ts';
import { runFaults } from './run.ts';
import { tableHead, tableLine } from './table.ts';

const RATE = 8;
const TIMING = { seconds: 'short', beforeMs: 300, steadyMs: 700 } as const;
const TIME_MS = 240_000;

/**
 * The faults of a cluster run line by line; those of one line run at the same time. Corrupted connections need TLS, and
 * a clock skew lasts as long as its cluster.
 */
const CLUSTERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'killed, frozen and full processes and servers': [
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
  'connections, nodes, clocks and the endpoint': [
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
  'corrupted connections': [
    ['corrupt-agent-nats', 'corrupt-router-nats', 'corrupt-notifier-redis'],
    ['corrupt-endpoint', 'corrupt-agent-freeswitch'],
  ],
};

function faultsOf(names: readonly string[]): Fault[] {
  return names.map((name) => {
    const fault = faultNamed(name);
    if (fault === undefined) throw new Error(`unknown fault ${name}`);
    return fault;
  });
}

test('the short form has every fault once', () => {
  const named = Object.values(CLUSTERS).flat(2);
  expect(named.toSorted()).toEqual(FAULTS.map(({ name }) => name).toSorted());
});

describe.concurrent('every promise is kept with', () => {
  test.for(Object.entries(CLUSTERS))('%s', { timeout: TIME_MS }, async ([, runs]) => {
    const rows: Row[] = await runFaults(runs.map(faultsOf), { rate: RATE, timing: TIMING });
    console.log([tableHead(), ...rows.map(tableLine)].join('\n'));
    expect(rows.filter(({ ok }) => !ok).map(({ fault, broken }) => ({ fault, broken }))).toEqual([]);
  });
});
