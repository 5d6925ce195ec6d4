import { describeLife, LIFE_CASES } from '#test/support/cases/life/run.ts';
import { simulatedLifeNode } from '#test/support/simulator/life-node.ts';

const shown = LIFE_CASES.filter(({ onlyFreeSwitch }) => onlyFreeSwitch === undefined);

describeLife('the simulator', simulatedLifeNode, shown, { concurrent: true });
