import { describe } from 'vitest';
import { runControl } from '#test/support/cases/control.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (!freeswitchFound())
  console.log('test/e2e/freeswitch/control: skipped, there is no freeswitch on the PATH');

describe.skipIf(!freeswitchFound())('call control on a real FreeSWITCH', () => runControl(realCaseNode));
