import { z } from 'zod';
import { hangupCause } from './causes.ts';
import { DialNumber, GatewayName, HostPort, SipName, SoundName } from './text.ts';

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
  progress_timeout: z
    .int(SECONDS)
    .min(1, SECONDS)
    .max(MAX_RING_S, SECONDS)
    .optional()
    .describe(
      'seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own',
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
    transport: z
      .enum(['udp', 'tcp', 'tls'], { error: 'must be udp, tcp or tls' })
      .optional()
      .describe('transport of SIP; the sofia profile must have it. Default: udp'),
    srtp: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'true: the media must be encrypted (SRTP); a party without it refuses the call. Default: false',
      ),
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
  .union([z.string().max(64, CAUSE), z.int(CAUSE)], { error: CAUSE })
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
          z.int(STATUS),
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
    play: SoundName.optional().describe('sound of the operator (SOUNDS) that the caller hears before'),
    answer: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'true: answer the caller before play; false: play it as early media, before the refusal. Default: false',
      ),
  })
  .describe('hang up the caller without dialling');

/** One target to dial. */
export const DialTarget = z.discriminatedUnion('type', [Gateway, User, Ip, DialString], {
  error: 'must be one of gateway, user, ip or dialstring in a list',
});
export type DialTarget = z.output<typeof DialTarget>;

/** The value of `dial` when it is not a list. */
export const SingleTarget = z.discriminatedUnion('type', [Gateway, User, Ip, DialString, Hangup], {
  error: 'must be one of gateway, user, ip, dialstring or hangup',
});
