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
    number: DialNumber.describe('the number to dial'),
    gateway: SipName.describe('a gateway of any sofia profile'),
  })
  .describe('through a gateway: sofia/gateway/GATEWAY/NUMBER');

const User = z
  .strictObject({
    type: z.literal('user'),
    number: DialNumber.describe('the number to dial'),
    user: SipName.describe('the registered user whose device takes the call'),
    domain: HostPort.optional().describe(
      "the user's domain; the agent's SIP_DOMAIN or the call's domain without it",
    ),
  })
  .describe('a number dialled through the device that is registered as a user');

const Ip = z
  .strictObject({
    type: z.literal('ip'),
    number: DialNumber.describe('the number to dial'),
    ip: HostPort.describe('HOST or HOST:PORT'),
    sofia: SipName.default('external').describe('the sofia profile that sends the call'),
  })
  .describe('to an address: sofia/PROFILE/NUMBER@IP');

const DialString = z
  .strictObject({
    type: z.literal('dialstring'),
    dialstring: z.string().min(1, 'must not be empty').max(4096, 'must be at most 4096 characters'),
  })
  .describe('a FreeSWITCH dial string; commas mean one after the other unless strategy is simultaneous');

const CAUSE = 'is not a hangup cause of FreeSWITCH (a name or a number)';
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
    cause: Cause.optional().describe(
      'hangup cause, by number or name; NORMAL_CLEARING (16) when neither cause nor sipcode is given',
    ),
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
      .describe('SIP status for the caller; wins over cause when both are given'),
  })
  .describe('no call is placed and the caller is hung up');

/** Where one call may go. */
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

/** FreeSWITCH hands no more than 256 exported variables to a called leg, those of the dialplan and our own included. */
const MAX_VARIABLES = 128;

const fewEnough = (variables: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(variables).length <= MAX_VARIABLES;
const TOO_MANY = `must hold at most ${MAX_VARIABLES} variables`;

/** The endpoint's answer to a request, after parsing. Unknown keys beside `dial` are ignored, inside it refused. */
export const Decision = z.object({
  variables: z
    .record(VariableName, VariableValue)
    .refine(fewEnough, TOO_MANY)
    .default({})
    .describe('channel variables set on the called leg'),
  dial: z
    .union(
      [Single, z.array(DialTarget).min(1, 'must name a target').max(16, 'must name at most 16 targets')],
      {
        error: 'must be a target, a list of targets or a hangup',
      },
    )
    .describe('where the call goes: one target, a list of targets tried in order, or a hangup'),
  strategy: Strategy.default('sequential').describe(
    'sequential: one target after the other; simultaneous: all at once, the first to answer wins',
  ),
  on_fail: z
    .enum(['hangup', 'request'], { error: 'must be hangup or request' })
    .default('hangup')
    .describe("when no target answered: hang up with the last one's cause, or ask the endpoint again"),
  final_causes: z
    .array(Cause)
    .max(64, 'must name at most 64 causes')
    .optional()
    .describe("causes after which no further target is tried; the agent's FINAL_CAUSES without it"),
});
export type Decision = z.output<typeof Decision>;

export const Variables = z.record(VariableName, VariableText).refine(fewEnough, TOO_MANY);
export type Variables = z.output<typeof Variables>;

/** Variables that stand in the {...} or [...] of a dial string. */
export const BracketVariables = z.record(VariableName, BracketText).refine(fewEnough, TOO_MANY);
