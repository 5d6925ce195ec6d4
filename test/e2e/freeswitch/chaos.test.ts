import { expect, test } from 'vitest';
import { faultNamed } from '#test/chaos/faults.ts';
import { RealNode } from '#test/chaos/real-node.ts';
import { runFaults } from '#test/chaos/run.ts';
import { tableHead, tableLine } from '#test/chaos/table.ts';
import { freeswitchFound } from '#test/support/freeswitch/process.ts';

const TIMING = { seconds: 'short', beforeMs: 300, steadyMs: 700 } as const;
const TIME_MS = 120_000;

test.skipIf(!freeswitchFound())(
  'calls through a real FreeSWITCH keep every promise while an agent, a router and FreeSWITCH itself are killed',
  { timeout: TIME_MS },
  async () => {
    const faults = ['kill-agent', 'kill-router', 'freeswitch-crash'].flatMap(
      (name) => faultNamed(name) ?? [],
    );
    const [row] = await runFaults([faults], { rate: 4, timing: TIMING, createNode: RealNode.create });
    if (!row) throw new Error('no row');
    console.log([tableHead(), tableLine(row)].join('\n'));
    expect(row.broken).toEqual([]);
    expect(row.decided).toBeGreaterThan(0);
  },
);
