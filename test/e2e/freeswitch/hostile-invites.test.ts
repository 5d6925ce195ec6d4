import { test } from 'vitest';
import { realNode } from '#test/fuzz/processes/nodes.ts';
import { fuzzWay } from '#test/fuzz/processes/run.ts';
import { SIP_WAYS } from '#test/fuzz/processes/sip.ts';
import { Target } from '#test/fuzz/processes/target.ts';
import { freeswitchFound } from '#test/support/freeswitch/process.ts';

const CASES = 300;
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

test.skipIf(!freeswitchFound()).each(SIP_WAYS)(
  '$way.what stop no process and no other call',
  async ({ way, callIdAsUuid }) => {
    const node = await realNode(callIdAsUuid);
    const target = await Target.start(node);
    try {
      await fuzzWay(way, node, target, CASES, SEED);
    } finally {
      await target.stop();
    }
  },
);
