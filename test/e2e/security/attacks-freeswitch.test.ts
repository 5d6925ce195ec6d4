import { describe } from 'vitest';
import { freeswitchFound, realSwitch } from '#test/support/freeswitch/switch.ts';
import { describeAttacks } from '#test/support/security/attacks.ts';

if (freeswitchFound()) describeAttacks('a real FreeSWITCH', realSwitch);
else describe.skip('attacks on a real FreeSWITCH: there is no freeswitch on the PATH', () => {});
