import { describeLimitKills } from '#test/support/cases/limit-kills.ts';
import { simulatedLifeNode } from '#test/support/simulator/life-node.ts';

describeLimitKills('the simulator', simulatedLifeNode);
