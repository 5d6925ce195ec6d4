import { describe, it } from 'vitest';
import { describeCases } from '#test/support/cases/run-cases.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (freeswitchFound()) describeCases('a real FreeSWITCH', () => realCaseNode());
else
  describe('a call through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
