import { ATTEMPT_VARIABLE } from '#libs/dialplan/applications.ts';
import { type ChannelData, variable } from './channel-data.ts';

/** The number of the request that is being made about this call, from 1. */
export const attemptOf = (data: ChannelData): number =>
  Math.max(1, Number(variable(data, ATTEMPT_VARIABLE)) || 1);
