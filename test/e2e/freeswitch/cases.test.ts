import { describe, it } from 'vitest';
import { describeCases } from '#test/support/cases/run-cases.ts';
import { freeswitchFound, realSwitch } from '#test/support/freeswitch/switch.ts';

if (freeswitchFound()) describeCases('a real FreeSWITCH', () => realSwitch());
else
  describe('a call through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
