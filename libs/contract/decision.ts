import { z } from 'zod';
import { hangupCause } from './causes.ts';
import {
  BracketText,
  DialNumber,
  HostPort,
  SipName,
  VariableName,
  VariableText,
  VariableValue,
} from './text.ts';

const Gateway = z
  .strictObject({
    type: z.literal('gateway'),
    number: DialNumber.describe('number to dial'),
    gateway: SipName.describe('gateway of any sofia profile'),
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
  })
  .describe('dial at an address: sofia/PROFILE/NUMBER@IP');

const DialString = z
  .strictObject({
    type: z.literal('dialstring'),
    dialstring: z.string().min(1, 'must not be empty').max(4096, 'must be at most 4096 characters'),
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
    .array(Cause)
    .max(64, 'must name at most 64 causes')
    .optional()
    .describe('hangup causes after which no further target is tried. Default: FINAL_CAUSES of the agent'),
});
export type Decision = z.output<typeof Decision>;

/** Channel variables by name, after parsing. */
export const Variables = z.record(VariableName, VariableText).refine(fewEnough, TOO_MANY);
export type Variables = z.output<typeof Variables>;

/** Channel variables that can be written in the {...} or [...] of a dial string. */
export const BracketVariables = z.record(VariableName, BracketText).refine(fewEnough, TOO_MANY);
