import type { FailurePolicy } from '#libs/dialplan/after-failure.ts';
import type { Dial } from '#libs/dialplan/applications.ts';
import type { CallerFacts } from '#libs/dialplan/presentation.ts';
import { NO_REPORTING } from '#libs/dialplan/reporting.ts';

/** Stops at the first target that fails. */
export const POLICY: FailurePolicy = {
  finalCauses: [],
  requestAgain: false,
  onRedirect: 'fail',
  socket: undefined,
};

export const CALLER: CallerFacts = {
  number: '1001',
  name: 'Ann',
  withheld: false,
  asserted: '',
  dialled: '0555',
};

/** A decision about a call of CALLER that dials `groups`. */
export const dialOf = (groups: Dial['groups'], given: Partial<Dial> = {}): Dial => ({
  groups,
  plan: { variables: {}, pass_headers: false },
  caller: CALLER,
  exported: {},
  outcome: { result: 'decided' },
  attempt: 1,
  settings: {},
  reporting: NO_REPORTING,
  undo: '',
  bridgeExports: '',
  policy: POLICY,
  ...given,
});
