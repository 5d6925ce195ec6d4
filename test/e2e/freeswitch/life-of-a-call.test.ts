import { describe, it } from 'vitest';
import { describeLife } from '#test/support/cases/life/run.ts';
import { freeswitchFound } from '#test/support/freeswitch/case-node.ts';

if (freeswitchFound()) describeLife();
else
  describe('the life of a call through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
