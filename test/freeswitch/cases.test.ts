import { describe, it } from 'vitest';
import { describeCases } from '../case/run-cases.ts';
import { freeswitchFound, realSwitch } from './switch.ts';

if (freeswitchFound()) describeCases('a real FreeSWITCH', () => realSwitch());
else
  describe('a call through a real FreeSWITCH', () => {
    it.skip('left out: no freeswitch on the PATH', () => {});
  });
