import { z } from 'zod';
import { HANGUP_CAUSES, type HangupCause } from './causes.ts';
import { Collect } from './collect.ts';
import { BracketVariables, callSettings, FinalCause, Strategy, Variables } from './decision.ts';
import { reportingFields } from './decision-settings.ts';
import { timing } from './dial-target.ts';
import { DialNumber, HostPort, PORT, SipName, SoundName, TelParameters } from './text.ts';

const SOFIA_GATEWAY = String.raw`sofia\/gateway\/[\w.+-]+(?:::[\w.+-]+)?\/[\w*#+.:;=%~@&?!\/-]+`;
const SOFIA_ADDRESS = String.raw`sofia\/[\w.+-]+\/(?:sips?:)?[\w*#+.;=%~-]+@(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::${PORT})?(?:;[\w.:;=%~@&?!\/+-]*)?`;
const SOFIA_REGISTERED = String.raw`sofia\/[\w.+-]+\/[\w*#+.~-]+%[A-Za-z0-9][\w.-]*`;
const USER = String.raw`user\/[\w.+-]+(?:@[A-Za-z0-9][\w.-]*)?`;
/** XML dialplans only: the dialplan `inline` would read the number as a list of applications. */
const LOOPBACK = String.raw`loopback\/[\w*#+.-]+(?:\/[\w.-]+(?:\/XML)?)?`;
const ERROR = String.raw`error\/\w+`;

const DIALABLE = new RegExp(
  `^(?:${[SOFIA_GATEWAY, SOFIA_ADDRESS, SOFIA_REGISTERED, USER, LOOPBACK, ERROR].join('|')})$`,
);

/** One FreeSWITCH endpoint of a dial string. A host is required: without one FreeSWITCH can call itself in a loop. */
export const DialEndpoint = z
  .string()
  .max(512, 'must be at most 512 characters')
  .regex(
    DIALABLE,
    'must be sofia/gateway/GATEWAY/NUMBER, sofia/PROFILE/NUMBER@HOST, user/NAME, loopback/NUMBER or error/CAUSE',
  )
  .refine((endpoint) => !endpoint.includes(':_:'), 'must not contain :_:, which starts another dial string')
  .refine(
    (endpoint) => !/^sofia\/gateway\/.*;(?:maddr|method|fs_path)\b/i.test(endpoint),
    'must not contain ;maddr, ;method or ;fs_path, which send the INVITE elsewhere than to the gateway',
  )
  .refine(
    (endpoint) => !/origination_nested_vars=true/i.test(endpoint),
    'must not contain origination_nested_vars=true, which makes FreeSWITCH expand ${ in variables',
  );

const Leg = z.union([
  z.strictObject({
    endpoint: DialEndpoint,
    tel_params: TelParameters.optional().describe(
      'parameters of the number in the request URI of a call through a gateway',
    ),
    variables: BracketVariables,
    ...timing,
  }),
  z.strictObject({
    user: SipName,
    domain: HostPort.optional(),
    number: DialNumber,
    strategy: Strategy.describe('how several contacts of the user are dialled'),
    variables: BracketVariables,
    ...timing,
  }),
]);
/** One called leg. The agent replaces a `user` leg by one leg for each registered contact of the user. */
export type Leg = z.output<typeof Leg>;

/** Maximum number of groups in a plan, and of legs in all its groups together. */
export const MAX_LEGS = 64;

const Group = z.strictObject({
  variables: BracketVariables,
  legs: z.array(Leg).min(1).max(MAX_LEGS),
});
/** Legs that ring at the same time. Groups are dialled one after the other. */
export type Group = z.output<typeof Group>;

const Cause = z.enum(Object.keys(HANGUP_CAUSES) as [HangupCause, ...HangupCause[]]);

/** The decision, checked and resolved into groups of legs or a hangup. Router to agent. */
export const Plan = z.union([
  z.strictObject({
    groups: z
      .array(Group)
      .min(1)
      .max(MAX_LEGS)
      .refine(
        (groups) => groups.flatMap(({ legs }) => legs).length <= MAX_LEGS,
        `must have at most ${MAX_LEGS} legs in all groups`,
      ),
    variables: Variables,
    on_fail: z.enum(['hangup', 'request']),
    final_causes: z.array(FinalCause).optional(),
    retry_causes: z.array(FinalCause).optional(),
    ...callSettings,
  }),
  z.strictObject({
    hangup: z.union([
      z.strictObject({ cause: Cause }),
      z.strictObject({ sipcode: z.number().int().min(400).max(699) }),
    ]),
    play: SoundName.optional(),
    answer: z.boolean().optional(),
    ...reportingFields,
  }),
  z.strictObject({ collect: Collect, ...reportingFields }),
]);
export type Plan = z.output<typeof Plan>;
export type DialPlan = Extract<Plan, { groups: unknown }>;
