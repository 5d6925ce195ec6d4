import { describe } from 'vitest';
import { runControl } from '../case/control.ts';
import { freeswitchFound, realSwitch } from './switch.ts';

if (!freeswitchFound()) console.log('test/freeswitch/control: skipped, there is no freeswitch on the PATH');

describe.skipIf(!freeswitchFound())('call control on a real FreeSWITCH', () => runControl(realSwitch));
