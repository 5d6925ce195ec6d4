import { describe, it } from 'vitest';
import { describeLimitKills } from '#test/support/cases/limit-kills.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (freeswitchFound()) describeLimitKills('a real FreeSWITCH', realCaseNode);
else
  describe('the limits of calls that end unseen, on a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
