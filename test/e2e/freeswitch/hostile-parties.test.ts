import { describe, it } from 'vitest';
import { describeHostileParties } from '#test/support/cases/hostile-parties.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (freeswitchFound())
  for (const callIdAsUuid of [true, false])
    describeHostileParties(
      `a real FreeSWITCH, ${callIdAsUuid ? 'with' : 'without'} inbound-use-callid-as-uuid`,
      () => realCaseNode({ callIdAsUuid }),
      { callIdAsUuid, bytes: true },
    );
else
  describe('hostile parties through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
