import { describe } from 'vitest';
import { runControl } from '#test/support/cases/control.ts';
import { freeswitchFound, realSwitch } from '#test/support/freeswitch/switch.ts';

if (!freeswitchFound()) console.log('test/freeswitch/control: skipped, there is no freeswitch on the PATH');

describe.skipIf(!freeswitchFound())('call control on a real FreeSWITCH', () => runControl(realSwitch));
