import { describeAttacks } from '#test/support/security/attacks.ts';
import { simulatedSwitch } from '#test/support/simulator/switch.ts';

describeAttacks('a simulated FreeSWITCH', async () => {
  const simulated = await simulatedSwitch();
  return { ...simulated, smuggled: () => simulated.node.ranApis };
});
