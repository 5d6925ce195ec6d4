import { describeHostileParties } from '#test/support/cases/hostile-parties.ts';
import { simulatedLifeNode } from '#test/support/simulator/life-node.ts';

for (const callIdAsUuid of [true, false])
  describeHostileParties(
    `the simulator, ${callIdAsUuid ? 'with' : 'without'} inbound-use-callid-as-uuid`,
    () => simulatedLifeNode({ callIdAsUuid }),
    { callIdAsUuid, bytes: false, concurrent: true },
  );
