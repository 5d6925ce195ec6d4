import { describeCases } from '#test/support/cases/run-cases.ts';
import { simulatedSwitch } from '#test/support/simulator/switch.ts';

describeCases('a simulated FreeSWITCH', simulatedSwitch);
