import { simulatedSwitch } from '#test/simulator/switch.ts';
import { describeAttacks } from './attacks.ts';

describeAttacks('a simulated FreeSWITCH', async () => {
  const simulated = await simulatedSwitch();
  return { ...simulated, smuggled: () => simulated.node.ranApis };
});
