import { z } from 'zod';
import { limitFields } from './call-limits.ts';
import { GLOBAL_FAILURE_CAUSES, type HangupCause, hangupCause } from './causes.ts';
import { Collect } from './collect.ts';
import {
  acceptanceFields,
  durationFields,
  mediaFields,
  recordFields,
  reportingFields,
} from './decision-settings.ts';
import { DialTarget, SingleTarget } from './dial-target.ts';
import { BracketText, DialNumber, DisplayName, VariableName, VariableText, VariableValue } from './text.ts';

export const Strategy = z.enum(['sequential', 'simultaneous'], {
  error: 'must be sequential or simultaneous',
});

/** FreeSWITCH exports at most 256 variables to a called leg, including those of the dialplan and of Dialhook. */
const MAX_VARIABLES = 128;

const fewEnough = (variables: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(variables).length <= MAX_VARIABLES;
const TOO_MANY = `must hold at most ${MAX_VARIABLES} variables`;

const PRIVACY = 'must be none, id or full';

/** The presentation of the caller to the called party. */
export const CallerId = z
  .strictObject({
    number: DialNumber.optional().describe('Default: the number that the caller presents'),
    name: DisplayName.optional().describe('Default: number, or the name that the caller presents'),
    privacy: z
      .enum(['none', 'id', 'full'], { error: PRIVACY })
      .optional()
      .describe(
        'none: shown; id: sent as asserted identity with Privacy: id, for the network only; full: withheld. Default: full when the caller withholds its number and number is missing, else none',
      ),
  })
  .describe('what the called party is shown of the caller');
export type CallerId = z.output<typeof CallerId>;

export const CalleeId = z
  .strictObject({
    number: DialNumber.optional().describe('Default: the number that the caller dialled'),
    name: DisplayName.optional().describe('Default: number'),
  })
  .describe('what the caller is shown of the called party');
export type CalleeId = z.output<typeof CalleeId>;

/** A SIP status as a final cause, `sip:603`, or all statuses of a class, `sip:6xx`. */
export type SipCause = `sip:${number}` | `sip:${number}xx`;
const SIP_CAUSE = /^sip:[3-6](?:\d\d|xx)$/;
const FINAL = 'must be a FreeSWITCH hangup cause, or a SIP status such as sip:603 or sip:6xx';
export const isHangupCause = (cause: HangupCause | SipCause): cause is HangupCause =>
  !cause.startsWith('sip:');

/** A hangup cause, or the SIP status of a refusal. */
export const FinalCause = z
  .union([z.string().max(64, FINAL), z.int(FINAL)], { error: FINAL })
  .transform((cause, context): HangupCause | SipCause => {
    if (typeof cause === 'string' && SIP_CAUSE.test(cause.trim().toLowerCase()))
      return cause.trim().toLowerCase() as SipCause;
    const name = hangupCause(cause);
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: FINAL });
    return z.NEVER;
  });

/** Settings of a decision that hold for all its targets. The plan carries them unchanged. */
export const callSettings = {
  caller_id: CallerId.optional(),
  callee_id: CalleeId.optional(),
  pass_headers: z
    .boolean('must be true or false')
    .default(false)
    .describe('whether X- headers, P-Charge-Info and Diversion of one party are passed on to the other'),
  on_redirect: z
    .enum(['fail', 'request', 'follow'], { error: 'must be fail, request or follow' })
    .default('fail')
    .describe(
      'what a redirect (SIP 3xx) of a target means: fail: the target failed and the next one follows; request: make another request; follow: dial where it redirects to, once, if REDIRECT_ALLOWED_HOSTS of the agent allows the host',
    ),
  media: z
    .enum(['bypass', 'proxy'], { error: 'must be bypass or proxy' })
    .optional()
    .describe('bypass: media flows between the parties, not through FreeSWITCH; proxy: through it unchanged'),
  ...mediaFields,
  ...acceptanceFields,
  ...durationFields,
  ...recordFields,
  ...limitFields,
  ...reportingFields,
};

export type FinalCause = z.output<typeof FinalCause>;

/**
 * SIP's global failures, which must not be tried at another target (RFC 3261, section 21.6). FreeSWITCH maps most of
 * them to causes that other statuses have too, so the status is needed.
 */
export const DEFAULT_FINAL_CAUSES: readonly FinalCause[] = [...GLOBAL_FAILURE_CAUSES, 'sip:6xx'];

const DIAL = 'must be a target, a list of targets or a hangup';

/**
 * The endpoint's answer to a request, after parsing. Unknown keys are ignored at the top level and refused in `dial`.
 * `misspelledKey` refuses other spellings of a field before.
 *
 *     {"dial": {"type": "gateway", "gateway": "gw", "number": "13800138000"}}
 */
export const Decision = z
  .object({
    variables: z
      .record(VariableName, VariableValue)
      .refine(fewEnough, TOO_MANY)
      .default({})
      .describe('channel variables set on the called legs'),
    dial: z
      .union(
        [
          SingleTarget,
          z.array(DialTarget).min(1, 'must name a target').max(16, 'must name at most 16 targets'),
        ],
        {
          error: DIAL,
        },
      )
      .optional()
      .describe('where the call goes: a target, a list of targets, or a hangup. Required without collect'),
    collect: Collect.optional(),
    strategy: Strategy.default('sequential').describe(
      'sequential: dial one target after the other; simultaneous: dial all at once, the first one to answer gets the call',
    ),
    on_fail: z
      .enum(['hangup', 'request'], { error: 'must be hangup or request' })
      .default('hangup')
      .describe(
        'what happens when no target answered: hangup ends the call with the cause of the last target; request makes another request',
      ),
    final_causes: z
      .array(FinalCause)
      .max(64, 'must name at most 64 causes')
      .optional()
      .describe(
        'hangup causes, or SIP statuses such as sip:603 or sip:6xx, after which no further target is tried. Default: FINAL_CAUSES of the agent',
      ),
    retry_causes: z
      .array(FinalCause)
      .max(64, 'must name at most 64 causes')
      .optional()
      .describe(
        'hangup causes, or SIP statuses such as sip:503 or sip:5xx, after which the next target is tried; any other is final. FINAL_CAUSES of the agent does not hold then. Default: every cause that is not final',
      ),
    ...callSettings,
  })
  .superRefine(({ dial, collect }, context) => {
    if (dial === undefined && collect === undefined)
      context.addIssue({ code: 'custom', path: ['dial'], message: `${DIAL}, but is missing` });
    if (dial !== undefined && collect !== undefined)
      context.addIssue({ code: 'custom', path: ['collect'], message: 'cannot be combined with dial' });
    if (collect !== undefined && collect.max < collect.min)
      context.addIssue({ code: 'custom', path: ['collect', 'max'], message: 'must be at least min' });
  })
  // The rules of superRefine, for the JSON Schema.
  .meta({ oneOf: [{ required: ['dial'] }, { required: ['collect'] }] });
export type Decision = z.output<typeof Decision>;

/** Channel variables by name, after parsing. */
export const Variables = z.record(VariableName, VariableText).refine(fewEnough, TOO_MANY);
export type Variables = z.output<typeof Variables>;

/** Channel variables that can be written in the {...} or [...] of a dial string. */
export const BracketVariables = z.record(VariableName, BracketText).refine(fewEnough, TOO_MANY);
