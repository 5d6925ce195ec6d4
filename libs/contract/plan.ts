import { z } from 'zod';
import { HANGUP_CAUSES, type HangupCause } from './causes.ts';
import { BracketVariables, Strategy, Variables } from './decision.ts';
import { DialNumber, HostPort, SipName } from './text.ts';

const SOFIA_GATEWAY = String.raw`sofia\/gateway\/[\w.+-]+\/[\w*#+.:;=%~@&?!\/-]+`;
const SOFIA_ADDRESS = String.raw`sofia\/[\w.+-]+\/(?:sips?:)?[\w*#+.%~-]+@(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:;[\w.:;=%~@&?!\/+-]*)?`;
const SOFIA_REGISTERED = String.raw`sofia\/[\w.+-]+\/[\w*#+.~-]+%[A-Za-z0-9][\w.-]*`;
const USER = String.raw`user\/[\w.+-]+(?:@[A-Za-z0-9][\w.-]*)?`;
/** Into a dialplan in XML only: the dialplan `inline` takes the number for a list of applications. */
const LOOPBACK = String.raw`loopback\/[\w*#+.-]+(?:\/[\w.-]+(?:\/XML)?)?`;
const ERROR = String.raw`error\/\w+`;

const DIALABLE = new RegExp(
  `^(?:${[SOFIA_GATEWAY, SOFIA_ADDRESS, SOFIA_REGISTERED, USER, LOOPBACK, ERROR].join('|')})$`,
);

/** One dialable endpoint of a dial string, complete with its host: a dial string without a host can loop FreeSWITCH. */
export const DialEndpoint = z
  .string()
  .max(512, 'must be at most 512 characters')
  .regex(
    DIALABLE,
    'must be sofia/gateway/GATEWAY/NUMBER, sofia/PROFILE/NUMBER@HOST, user/NAME, loopback/NUMBER or error/CAUSE',
  )
  .refine((endpoint) => !endpoint.includes(':_:'), 'must not hold :_:, which begins another dial string')
  .refine(
    (endpoint) => !/origination_nested_vars=true/i.test(endpoint),
    'must not hold origination_nested_vars=true, which makes FreeSWITCH take ${ in variables',
  );

const Leg = z.union([
  z.strictObject({ endpoint: DialEndpoint, variables: BracketVariables }),
  z.strictObject({
    user: SipName,
    domain: HostPort.optional(),
    number: DialNumber,
    strategy: Strategy.describe('how the contacts of the user are tried when there are several'),
    variables: BracketVariables,
  }),
]);
/** One called leg. A `user` leg becomes endpoints once the agent has asked FreeSWITCH for the user's contacts. */
export type Leg = z.output<typeof Leg>;

/** Groups of a plan, and legs of all its groups, at most. */
export const MAX_BRANCHES = 64;

const Group = z.strictObject({
  variables: BracketVariables,
  legs: z.array(Leg).min(1).max(MAX_BRANCHES),
});
/** Legs that ring at once, with the variables of their dial string. Groups are tried one after the other. */
export type Group = z.output<typeof Group>;

const Cause = z.enum(Object.keys(HANGUP_CAUSES) as [HangupCause, ...HangupCause[]]);

/** What the agent is to do with the call: the decision, checked and resolved into groups of legs. */
export const Plan = z.union([
  z.strictObject({
    groups: z
      .array(Group)
      .min(1)
      .max(MAX_BRANCHES)
      .refine(
        (groups) => groups.flatMap(({ legs }) => legs).length <= MAX_BRANCHES,
        `must name at most ${MAX_BRANCHES} legs in all`,
      ),
    variables: Variables,
    on_fail: z.enum(['hangup', 'request']),
    final_causes: z.array(Cause).optional(),
  }),
  z.strictObject({
    hangup: z.union([
      z.strictObject({ cause: Cause }),
      z.strictObject({ sipcode: z.number().int().min(400).max(699) }),
    ]),
  }),
]);
export type Plan = z.output<typeof Plan>;
export type DialPlan = Extract<Plan, { groups: unknown }>;
