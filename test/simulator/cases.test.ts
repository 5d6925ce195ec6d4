import { describeCases } from '../case/run-cases.ts';
import { simulatedSwitch } from './switch.ts';

describeCases('a simulated FreeSWITCH', simulatedSwitch);
