import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { REPLICATED_SINCE } from '#libs/bus/server-version.ts';
import { isOlder } from '#libs/version/version.ts';
import { runOnFreeSwitchHost } from './agent-host.ts';
import type { Row } from './checker.ts';
import type { Fault } from './fault.ts';
import { FAULTS, faultNamed } from './faults.ts';
import { runFaults } from './run.ts';
import { tableHead, tableLine } from './table.ts';
import { Unavailable } from './unavailable.ts';

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
    ['kill-other-agent', 'kill-nats'],
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
      'agent-host-far',
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

const natsVersion = /v(\d\S*)/.exec(spawnSync('nats-server', ['-v'], { encoding: 'utf8' }).stdout)?.[1] ?? '';
const isLossy = isOlder(natsVersion, REPLICATED_SINCE);

/** The most important fault of each kind of brokers; `npm run chaos` has all. */
const WITH_BROKERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  [isLossy ? `Sentinel (nats-server ${natsVersion} loses messages)` : 'three NATS servers and Sentinel']: [
    isLossy ? ['redis-sentinel-failover'] : ['nats-kill-leader', 'redis-sentinel-failover'],
  ],
  'a Redis Cluster': [['redis-cluster-failover']],
};

function faultsOf(names: readonly string[]): Fault[] {
  return names.map((name) => {
    const fault = faultNamed(name);
    if (fault === undefined) throw new Error(`unknown fault ${name}`);
    return fault;
  });
}

test('the short form has every fault of a cluster on one host with one NATS and one Redis once', () => {
  const named = Object.values(CLUSTERS).flat(2);
  const single = FAULTS.filter(
    ({ cluster, twoVersions }) => cluster?.brokers === undefined && !cluster?.agentHost && !twoVersions,
  );
  expect(named.toSorted()).toEqual(single.map(({ name }) => name).toSorted());
});

function expectKept(rows: readonly Row[]): void {
  console.log([tableHead(), ...rows.map(tableLine)].join('\n'));
  expect(rows.filter(({ ok }) => !ok).map(({ fault, broken }) => ({ fault, broken }))).toEqual([]);
}

function describeClusters(clusters: Readonly<Record<string, readonly (readonly string[])[]>>): void {
  describe.concurrent('every promise is kept with', () => {
    test.for(Object.entries(clusters))('%s', { timeout: TIME_MS }, async ([, runs]) => {
      expectKept(await runFaults(runs.map(faultsOf), { rate: RATE, timing: TIMING }));
    });
  });
}

describeClusters(CLUSTERS);

test('every promise is kept with an agent whose host becomes silent', {
  timeout: TIME_MS,
}, async (context) => {
  const args = ['--json', '--short', '--fault', 'agent-host-silent', '--rate', String(RATE)];
  const output = await runOnFreeSwitchHost(args).catch((error: unknown) => {
    if (error instanceof Unavailable) return context.skip(error.message);
    throw error;
  });
  const { rows, failed } = JSON.parse(output) as { rows: Row[]; failed: unknown[] };
  expect(failed).toEqual([]);
  expect(rows).toHaveLength(1);
  expectKept(rows);
});

// After a test that runs alone: more than three clusters at once starve each other on two cores.
describeClusters(WITH_BROKERS);
