import { Digits, type DigitsEnd } from '#libs/contract/collect.ts';
import type { FinalCause } from '#libs/contract/decision.ts';
import type { EndpointRequest, RequestReason } from '#libs/contract/endpoint.ts';
import {
  ENTRY_VARIABLE,
  FINAL_VARIABLE,
  isAmong,
  ON_REDIRECT_VARIABLE,
  REDIRECT_PREFIX_VARIABLE,
  RETRY_VARIABLE,
  type TargetFailure,
} from '#libs/dialplan/after-failure.ts';
import { ATTEMPT_VARIABLE, TRANSFERS_VARIABLE } from '#libs/dialplan/applications.ts';
import { DIGITS_VARIABLE, READ_RESULT_VARIABLE, READ_TERMINATOR_VARIABLE } from '#libs/dialplan/collect.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, callId, isLoopback, legId, variable, variableList } from './channel-data.ts';
import { isByParty, transferHistory } from './transfer-history.ts';

/** Number of transfers of the channel. */
const transfersOf = (data: ChannelData): number => variableList(data, 'transfer_history').length;

/** Stores on the channel how many transfers a request has reported. */
export const reportedTransfers = (data: ChannelData): Record<string, string> => {
  const transfers = transfersOf(data);
  return transfers === 0 ? {} : { [TRANSFERS_VARIABLE]: String(transfers) };
};

/** Upper bound of the number in ATTEMPT_VARIABLE; MAX_REQUESTS_PER_CALL is lower. */
const MAX_ATTEMPTS = 1_000_000;

/**
 * The number of the request that is being made about this call, from 1. A call of a loopback leg counts on from the call
 * that dialled that leg, so that the limit of requests also ends a loop.
 */
export function attemptOf(data: ChannelData): number {
  const made = wholeNumber(variable(data, ATTEMPT_VARIABLE), MAX_ATTEMPTS) ?? 0;
  return isTagged(data) || isLoopback(data) ? made + 1 : 1;
}

/** Whether the channel is the caller leg of a call that was tagged before. */
export const isTagged = (data: ChannelData): boolean => callId(data) === legId(data);

/** The failure of the last target dialled. */
export function targetFailure(data: ChannelData): TargetFailure {
  const [, status] = /^sip:(\d{3})$/.exec(variable(data, 'last_bridge_proto_specific_hangup_cause')) ?? [];
  return {
    // A leg whose early media failed sets only the first; a target without a leg (no such gateway) only the second.
    cause: variable(data, 'originate_failed_cause') || variable(data, 'last_bridge_hangup_cause'),
    status: status === undefined ? undefined : Number(status),
  };
}

/** Whether the status is not that of a refusal, so that FreeSWITCH must not answer the caller with it: a redirect, or the 200 of a leg that hung up. */
export const hasOddStatus = ({ status = 0 }: TargetFailure): boolean => status >= 200 && status < 400;

export const isRedirect = ({ status = 0 }: TargetFailure): boolean => status >= 300 && status < 400;

/** The agent's action when FreeSWITCH enters `socket`. */
export type SocketEntry =
  /** A request to the endpoint. */
  | ({ readonly kind: 'request' } & Pick<
      EndpointRequest,
      'reason' | 'transferred_by' | 'transferred_from' | 'digits' | 'digits_end'
    >)
  /** A target has failed and the next application follows. */
  | { readonly kind: 'continue' }
  /** A target has failed with a final cause: the caller gets it. */
  | { readonly kind: 'hangup'; readonly cause: string }
  /** A target has redirected: its new address is dialled if that is allowed. */
  | { readonly kind: 'follow'; readonly otherwise: Exclude<SocketEntry, { kind: 'follow' }> };

const request = (reason: RequestReason) => ({ kind: 'request', reason }) as const;

/** Whether the redirect of the last target is to be followed: a redirect of where it led to is not. */
const isToBeFollowed = (data: ChannelData): boolean =>
  variable(data, ON_REDIRECT_VARIABLE) === 'follow' && variable(data, REDIRECT_PREFIX_VARIABLE) !== '';

const causesOf = (data: ChannelData, name: string): FinalCause[] =>
  variable(data, name)
    .split(',')
    .filter((cause): cause is FinalCause => cause !== '');

function afterFailure(data: ChannelData, entry: string): SocketEntry {
  const failure = targetFailure(data);
  if (!isRedirect(failure)) return afterRefusal(data, entry, failure);
  if (variable(data, ON_REDIRECT_VARIABLE) === 'request') return request('redirect');
  const otherwise = afterRefusal(data, entry, failure);
  return isToBeFollowed(data) ? { kind: 'follow', otherwise } : otherwise;
}

function afterRefusal(
  data: ChannelData,
  entry: string,
  failure: TargetFailure,
): Exclude<SocketEntry, { kind: 'follow' }> {
  const isFinal =
    isAmong(failure, causesOf(data, FINAL_VARIABLE)) ||
    (variable(data, RETRY_VARIABLE) !== '' && !isAmong(failure, causesOf(data, RETRY_VARIABLE)));
  if (entry === 'last' || isFinal) return { kind: 'hangup', cause: failure.cause };
  return entry === 'failed' ? request('failed') : { kind: 'continue' };
}

function digitsEnd(data: ChannelData): DigitsEnd {
  if (variable(data, READ_TERMINATOR_VARIABLE) !== '') return 'terminator';
  const result = variable(data, READ_RESULT_VARIABLE);
  if (result === 'success') return 'max';
  // `failure`: too few digits in time.
  return result === 'timeout' || result === 'failure' ? 'timeout' : 'error';
}

/** The digits that the caller typed. */
function digitsRequest(data: ChannelData) {
  const { data: digits = '' } = Digits.safeParse(variable(data, DIGITS_VARIABLE));
  return { ...request('digits'), digits, digits_end: digitsEnd(data) };
}

/** Why FreeSWITCH enters `socket` with this channel, from its channel data. */
export function entryOf(data: ChannelData): SocketEntry {
  const call = callId(data);
  const transferredBy = (party: 'caller' | 'callee') => (isByParty(transferHistory(data)) ? party : 'other');
  if (call !== '' && !isTagged(data) && !isLoopback(data))
    return {
      ...{ kind: 'request', reason: 'transfer' },
      ...{ transferred_by: transferredBy('caller'), transferred_from: call },
    };
  if (isTagged(data) && transfersOf(data) > (wholeNumber(variable(data, TRANSFERS_VARIABLE)) ?? 0))
    return { kind: 'request', reason: 'transfer', transferred_by: transferredBy('callee') };
  const entry = variable(data, ENTRY_VARIABLE);
  if (entry === 'digits' && isTagged(data)) return digitsRequest(data);
  return entry === 'next' || entry === 'last' || entry === 'failed'
    ? afterFailure(data, entry)
    : request('new');
}
