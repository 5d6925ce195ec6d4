import { describeCases } from '#test/support/cases/run-cases.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';

describeCases('a simulated FreeSWITCH', simulatedCaseNode);
