import type { Dial, FailurePolicy } from '#libs/dialplan/applications.ts';
import type { CallerFacts } from '#libs/dialplan/presentation.ts';

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
  undo: '',
  policy: POLICY,
  ...given,
});
