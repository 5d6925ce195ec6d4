import { ACCEPT_VARIABLE } from '#libs/dialplan/acceptance.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, channelTime, variable } from './channel-data.ts';

/** Times of the events of a leg, epoch ms by FreeSWITCH's clock; 0 before the event. */
export interface LegTimes {
  readonly created: number;
  /** The INVITE to a called party. Estimated for a leg with a delay, see `invitedAt`. */
  readonly invited: number;
  /** 180, or 183 without SDP. */
  readonly ring: number;
  /** 180 or 183 with SDP. */
  readonly media: number;
  readonly answered: number;
  /** When it was connected with the caller, of a leg that has to accept the call; of any other leg its answer. */
  readonly accepted: number;
  readonly bridged: number;
  readonly ended: number;
}

/** Upper bound of a delay, seconds. */
const MAX_DELAY_S = 86_400;

type Moments = Omit<LegTimes, 'invited' | 'accepted'>;

/** Whether the leg has to accept the call. */
export const hasToAccept = (data: ChannelData): boolean => variable(data, ACCEPT_VARIABLE) !== '';

/**
 * FreeSWITCH creates the channel of a leg with `leg_delay_start` before the delay, and ends the delay early when no other
 * leg is left (check_per_channel_timeouts in switch_ivr_originate.c). Of its INVITE only the first response is known.
 */
function invitedAt(data: ChannelData, { created, ring, media, answered, ended }: Moments): number {
  const delay = wholeNumber(variable(data, 'leg_delay_start'), MAX_DELAY_S) ?? 0;
  if (delay === 0) return created;
  const seen = [ring, media, answered, ended].filter((time) => time > 0);
  return ring > 0 || media > 0 ? Math.min(...seen) : Math.min(created + delay * 1000, ...seen);
}

export function legTimes(data: ChannelData): LegTimes {
  const moments: Moments = {
    created: channelTime(data, 'Created'),
    ring: channelTime(data, 'Progress'),
    media: channelTime(data, 'Progress-Media'),
    answered: channelTime(data, 'Answered'),
    bridged: channelTime(data, 'Bridged'),
    ended: channelTime(data, 'Hangup'),
  };
  return {
    ...moments,
    invited: invitedAt(data, moments),
    accepted: hasToAccept(data) ? moments.bridged : moments.answered,
  };
}
