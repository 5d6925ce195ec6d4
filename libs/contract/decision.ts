import { z } from 'zod';
import { GLOBAL_FAILURE_CAUSES, type HangupCause, hangupCause } from './causes.ts';
import { ACTIONS } from './endpoint.ts';
import {
  BracketText,
  DialNumber,
  DisplayName,
  GatewayName,
  HostPort,
  SipName,
  VariableName,
  VariableText,
  VariableValue,
} from './text.ts';

/** The longest ring time and delay of a target, in seconds. */
const MAX_RING_S = 600;
export const SECONDS = `must be whole seconds from 1 to ${MAX_RING_S}`;
const DELAY = `must be whole seconds from 0 to ${MAX_RING_S}`;

export const timing = {
  timeout: z
    .int(SECONDS)
    .min(1, SECONDS)
    .max(MAX_RING_S, SECONDS)
    .optional()
    .describe(
      'ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media',
    ),
  delay: z
    .int(DELAY)
    .min(0, DELAY)
    .max(MAX_RING_S, DELAY)
    .optional()
    .describe(
      'seconds before this target starts to ring; only for targets that ring at the same time. Default: 0',
    ),
};

const Gateway = z
  .strictObject({
    type: z.literal('gateway'),
    number: DialNumber.describe('number to dial'),
    gateway: GatewayName.describe('gateway of any sofia profile, or PROFILE::GATEWAY'),
    ...timing,
  })
  .describe('dial through a gateway: sofia/gateway/GATEWAY/NUMBER');

const User = z
  .strictObject({
    type: z.literal('user'),
    number: DialNumber.describe('number to dial'),
    user: SipName.describe('directory user whose registered devices are dialled'),
    domain: HostPort.optional().describe(
      'domain of the user. Default: SIP_DOMAIN of the agent, or domain_name of the call',
    ),
    ...timing,
  })
  .describe(
    'dial a number at the registered devices of a user; the number replaces the user part of each contact',
  );

const Ip = z
  .strictObject({
    type: z.literal('ip'),
    number: DialNumber.describe('number to dial'),
    ip: HostPort.describe('HOST or HOST:PORT'),
    sofia: SipName.default('external').describe('sofia profile that sends the INVITE'),
    ...timing,
  })
  .describe('dial at an address: sofia/PROFILE/NUMBER@IP');

const DialString = z
  .strictObject({
    type: z.literal('dialstring'),
    dialstring: z.string().min(1, 'must not be empty').max(4096, 'must be at most 4096 characters'),
    ...timing,
  })
  .describe(
    'FreeSWITCH dial string; commas separate targets that are dialled one after the other, unless strategy is simultaneous',
  );

const CAUSE = 'must be the name or the number of a FreeSWITCH hangup cause';
const STATUS = 'must be from 400 to 699';

const Cause = z
  .union([z.string().max(64, CAUSE), z.number().int()], { error: CAUSE })
  .transform((cause, context) => {
    const name = hangupCause(cause);
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: CAUSE });
    return z.NEVER;
  });

const Hangup = z
  .strictObject({
    type: z.literal('hangup'),
    cause: Cause.optional().describe('hangup cause, by name or number. Default: NORMAL_CLEARING (16)'),
    sipcode: z
      .union(
        [
          z.number().int(),
          z
            .string()
            .regex(/^\d{3}$/, STATUS)
            .transform(Number),
        ],
        { error: STATUS },
      )
      .pipe(z.number().int().min(400, STATUS).max(699, STATUS))
      .optional()
      .describe('SIP status for the caller; takes precedence over cause'),
  })
  .describe('hang up the caller without dialling');

/** One target to dial. */
export const DialTarget = z.discriminatedUnion('type', [Gateway, User, Ip, DialString], {
  error: 'must be one of gateway, user, ip or dialstring in a list',
});
export type DialTarget = z.output<typeof DialTarget>;

const Single = z.discriminatedUnion('type', [Gateway, User, Ip, DialString, Hangup], {
  error: 'must be one of gateway, user, ip, dialstring or hangup',
});

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
        'none: shown; id: sent as asserted identity with Privacy: id, for the network only; full: withheld. Default: what the caller asked for, none when number is given',
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
  .union([z.string().max(64, FINAL), z.number().int()], { error: FINAL })
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
    .enum(['fail', 'request'], { error: 'must be fail or request' })
    .default('fail')
    .describe(
      'what a redirect (SIP 3xx) of a target means: fail: the target failed and the next one follows; request: make another request',
    ),
  media: z
    .enum(['bypass', 'proxy'], { error: 'must be bypass or proxy' })
    .optional()
    .describe('bypass: media flows between the parties, not through FreeSWITCH; proxy: through it unchanged'),
  notify: z
    .array(z.enum(ACTIONS, { error: `must be among ${ACTIONS.join(', ')}` }))
    .max(ACTIONS.length, 'must name each action once')
    .optional()
    .describe('notifications of this call. Default: ring, progress, answer, hangup'),
};

export type FinalCause = z.output<typeof FinalCause>;

/**
 * SIP's global failures, which must not be tried at another target (RFC 3261, section 21.6). FreeSWITCH maps most of
 * them to causes that other statuses have too, so the causes alone do not tell.
 */
export const DEFAULT_FINAL_CAUSES: readonly FinalCause[] = [...GLOBAL_FAILURE_CAUSES, 'sip:6xx'];

/**
 * The endpoint's answer to a request, after parsing. Unknown keys are ignored at the top level and refused in `dial`.
 *
 *     {"dial": {"type": "gateway", "gateway": "gw", "number": "13800138000"}}
 */
export const Decision = z.object({
  variables: z
    .record(VariableName, VariableValue)
    .refine(fewEnough, TOO_MANY)
    .default({})
    .describe('channel variables set on the called legs'),
  dial: z
    .union(
      [Single, z.array(DialTarget).min(1, 'must name a target').max(16, 'must name at most 16 targets')],
      {
        error: 'must be a target, a list of targets or a hangup',
      },
    )
    .describe('where the call goes: a target, a list of targets, or a hangup'),
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
  ...callSettings,
});
export type Decision = z.output<typeof Decision>;

/** Channel variables by name, after parsing. */
export const Variables = z.record(VariableName, VariableText).refine(fewEnough, TOO_MANY);
export type Variables = z.output<typeof Variables>;

/** Channel variables that can be written in the {...} or [...] of a dial string. */
export const BracketVariables = z.record(VariableName, BracketText).refine(fewEnough, TOO_MANY);
