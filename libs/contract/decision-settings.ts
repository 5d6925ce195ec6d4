import { z } from 'zod';
import { endpointUrl } from './arguments.ts';
import { ACTIONS } from './endpoint.ts';
import { SoundName } from './text.ts';

/** The longest maximum duration of a call, in seconds: one day. */
const MAX_DURATION_S = 86_400;
const DURATION = `must be whole seconds from 1 to ${MAX_DURATION_S}`;
const SIDE = 'must be caller, called or both';

export const durationFields = {
  max_duration: z
    .int(DURATION)
    .min(1, DURATION)
    .max(MAX_DURATION_S, DURATION)
    .optional()
    .describe(
      'seconds from the answer of the called party after which FreeSWITCH ends the call with ALLOTTED_TIMEOUT. Default: no limit',
    ),
  warn: z
    .strictObject({
      before: z
        .int(DURATION)
        .min(1, DURATION)
        .max(MAX_DURATION_S, DURATION)
        .describe('seconds before the end; less than max_duration'),
      play: SoundName.describe('sound of the operator (SOUNDS)'),
      to: z.enum(['caller', 'called', 'both'], { error: SIDE }).default('caller').describe('who hears it'),
    })
    .optional()
    .describe('announcement before max_duration ends the call'),
};

const CHANNELS = 'must be 1 or 2';
const START = 'must be answer or early_media';

export const recordFields = {
  record: z
    .strictObject({
      channels: z
        .literal([1, 2], { error: CHANNELS })
        .default(2)
        .describe('2: the caller is on the left channel, the called party on the right one; 1: both on one'),
      announce: SoundName.optional().describe(
        'sound of the operator (SOUNDS) that both parties hear when they are connected',
      ),
      start: z
        .enum(['answer', 'early_media'], { error: START })
        .default('answer')
        .describe(
          'answer: from the answer, or with confirm or whisper from the acceptance; early_media: from the early media of the called party, or its answer without any',
        ),
    })
    .optional()
    .describe(
      'records the call into a file of the operator (RECORDINGS of the agents). Default: no recording',
    ),
};

const Codec = z
  .string()
  .max(64, 'must be at most 64 characters')
  .regex(
    /^[0-9A-Za-z][0-9A-Za-z._-]*(?:@\d+[hikbc])*$/,
    'must be a codec of FreeSWITCH, such as PCMA or opus@48000h',
  );

const MAX_URL_LENGTH = 1024;
const URL_RULE = 'must be a URL that starts with http:// or https:// and names a host';

const NotifyUrl = z
  .string()
  .max(MAX_URL_LENGTH, `must be at most ${MAX_URL_LENGTH} characters`)
  .transform((text, context) => {
    const url = endpointUrl(text);
    if (url !== undefined) return url;
    context.addIssue({ code: 'custom', message: URL_RULE });
    return z.NEVER;
  })
  .pipe(z.string().max(MAX_URL_LENGTH, `must be at most ${MAX_URL_LENGTH} characters when percent-encoded`));

/** Maximum size of `data` as JSON, in bytes: it is part of every event of the call. */
const MAX_DATA_BYTES = 1024;

/** Settings of a decision for the requests and notifications of its call. */
export const reportingFields = {
  notify: z
    .array(z.enum(ACTIONS, { error: `must be among ${ACTIONS.join(', ')}` }))
    .max(ACTIONS.length, 'must name each action once')
    .optional()
    .describe('notifications of this call. Default: ring, progress, answer, hangup'),
  notify_url: NotifyUrl.optional().describe(
    'URL that gets the notifications of this call, under the address rules for endpoints. Default: the URL of the request',
  ),
  data: z
    .unknown()
    .refine(
      (data) => data === undefined || Buffer.byteLength(JSON.stringify(data)) <= MAX_DATA_BYTES,
      `must be at most ${MAX_DATA_BYTES} bytes as JSON; store more under a key of your own and send the key`,
    )
    .optional()
    .describe(
      'any JSON value of at most 1024 bytes, which every later request and notification of this call contains',
    ),
};

/** Codecs, and the sounds that the parties hear before the answer. */
export const mediaFields = {
  codecs: z
    .array(Codec)
    .min(1, 'must name a codec')
    .max(16, 'must name at most 16 codecs')
    .optional()
    .describe(
      'codecs that the called party is offered, in order of preference. Default: those of the sofia profile',
    ),
  ringback: SoundName.optional().describe(
    'ringback of the operator (RINGBACKS) that the caller hears until a called party answers or sends early media',
  ),
  early_media: z
    .enum(['pass', 'ignore', 'ring'], { error: 'must be pass, ignore or ring' })
    .optional()
    .describe(
      'early media of the called party. pass: the caller hears it; ignore: it does not; ring: it counts as ringing (180). Default: pass; ignore for targets that ring at once',
    ),
};

const MAX_CONFIRM_S = 60;
const CONFIRM = `must be whole seconds from 1 to ${MAX_CONFIRM_S}`;
const KEY = 'must be one of 0-9, * and #';

/** Steps of an answered called party before it is connected with the caller. */
export const acceptanceFields = {
  confirm: z
    .strictObject({
      play: SoundName.describe(
        'sound of the operator (SOUNDS) that asks for the key; repeated until it comes',
      ),
      key: z
        .string()
        .regex(/^[0-9*#]$/, KEY)
        .default('1')
        .describe('digit that accepts the call'),
      timeout: z
        .int(CONFIRM)
        .min(1, CONFIRM)
        .max(MAX_CONFIRM_S, CONFIRM)
        .default(10)
        .describe('seconds from the answer until the key must have come; then the target has failed'),
    })
    .optional()
    .describe('a called party that answers must press a key to be connected; answer means accepted then'),
  whisper: z
    .strictObject({ play: SoundName.describe('sound of the operator (SOUNDS)') })
    .optional()
    .describe('sound that the called party hears after its answer, before it is connected'),
};
