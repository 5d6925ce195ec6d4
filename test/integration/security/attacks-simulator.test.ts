import { describeAttacks } from '#test/support/security/attacks.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';

describeAttacks('a simulated FreeSWITCH', async () => {
  const simulated = await simulatedCaseNode();
  return { ...simulated, smuggled: () => simulated.node.ranApis };
});
