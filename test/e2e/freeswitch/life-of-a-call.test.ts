import { describe, it } from 'vitest';
import { describeLife, LIFE_CASES } from '#test/support/cases/life/run.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (freeswitchFound())
  describeLife('a real FreeSWITCH', () => realCaseNode({ trackCalls: true }), LIFE_CASES);
else
  describe('the life of a call through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
