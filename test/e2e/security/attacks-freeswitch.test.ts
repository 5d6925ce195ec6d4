import { describe } from 'vitest';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { describeAttacks } from '#test/support/security/attacks.ts';

if (freeswitchFound()) describeAttacks('a real FreeSWITCH', realCaseNode);
else describe.skip('attacks on a real FreeSWITCH: there is no freeswitch on the PATH', () => {});
