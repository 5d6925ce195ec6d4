import type { FinalCause } from '#libs/contract/decision.ts';
import type { EndpointRequest, RequestReason } from '#libs/contract/endpoint.ts';
import {
  ATTEMPT_VARIABLE,
  CALL_VARIABLE,
  ENTRY_VARIABLE,
  FINAL_VARIABLE,
  ON_REDIRECT_VARIABLE,
} from '#libs/dialplan/applications.ts';
import { type ChannelData, header, variable, variableList } from './channel-data.ts';

/** The channel variable that holds how many transfers of the channel earlier requests have reported. */
export const TRANSFERS_VARIABLE = 'dialhook_transfers';

/** Number of transfers of the channel. */
export const transfersOf = (data: ChannelData): number => variableList(data, 'transfer_history').length;

/** Stores on the channel how many transfers a request has reported. */
export const reportedTransfers = (data: ChannelData): Record<string, string> => {
  const transfers = transfersOf(data);
  return transfers === 0 ? {} : { [TRANSFERS_VARIABLE]: String(transfers) };
};

/** The number of the request that is being made about this call, from 1. */
export function attemptOf(data: ChannelData): number {
  const made = Number(variable(data, ATTEMPT_VARIABLE));
  return Number.isSafeInteger(made) && made > 0 && isTagged(data) ? made + 1 : 1;
}

/** Whether the channel is the caller leg of a call that was tagged before. */
export const isTagged = (data: ChannelData): boolean =>
  variable(data, CALL_VARIABLE) === header(data, 'Unique-ID');

/** The failure of the last target dialled. */
export interface TargetFailure {
  readonly cause: string;
  /** The SIP status with which the called party refused or redirected; undefined without one. */
  readonly status: number | undefined;
}

export function targetFailure(data: ChannelData): TargetFailure {
  const [, status] = /^sip:(\d{3})$/.exec(variable(data, 'last_bridge_proto_specific_hangup_cause')) ?? [];
  return {
    // A leg whose early media failed sets only the first; a target without a leg (no such gateway) only the second.
    cause: variable(data, 'originate_failed_cause') || variable(data, 'last_bridge_hangup_cause'),
    status: status === undefined ? undefined : Number(status),
  };
}

/** Whether a failure ends the list of targets. `sip:6xx` matches every status from 600 to 699. */
export function isFinal({ cause, status }: TargetFailure, finalCauses: readonly FinalCause[]): boolean {
  const statuses = status === undefined ? [] : [`sip:${status}`, `sip:${Math.floor(status / 100)}xx`];
  return finalCauses.some((final) => final === cause || statuses.includes(final));
}

export const isRedirect = ({ status = 0 }: TargetFailure): boolean => status >= 300 && status < 400;

/** What the agent does when FreeSWITCH enters `socket`. */
export type Entry =
  /** A request to the endpoint. */
  | ({ readonly kind: 'request' } & Pick<EndpointRequest, 'reason' | 'transferred_by' | 'transferred_from'>)
  /** A target has failed and the next application follows. */
  | { readonly kind: 'continue' }
  /** A target has failed with a final cause: the caller gets it. */
  | { readonly kind: 'hangup'; readonly cause: string };

const request = (reason: RequestReason): Entry => ({ kind: 'request', reason });

function afterFailure(data: ChannelData, entry: string): Entry {
  const failure = targetFailure(data);
  if (isRedirect(failure) && variable(data, ON_REDIRECT_VARIABLE) === 'request') return request('redirect');
  const finalCauses = variable(data, FINAL_VARIABLE)
    .split(',')
    .filter((cause): cause is FinalCause => cause !== '');
  if (entry === 'last' || isFinal(failure, finalCauses)) return { kind: 'hangup', cause: failure.cause };
  return entry === 'failed' ? request('failed') : { kind: 'continue' };
}

/** Why FreeSWITCH enters `socket` with this channel, from its channel data. */
export function entryOf(data: ChannelData): Entry {
  const call = variable(data, CALL_VARIABLE);
  if (call !== '' && !isTagged(data))
    return { kind: 'request', reason: 'transfer', transferred_by: 'caller', transferred_from: call };
  const entry = variable(data, ENTRY_VARIABLE);
  if (entry === 'next' || entry === 'last' || entry === 'failed') return afterFailure(data, entry);
  if (isTagged(data) && transfersOf(data) > Number(variable(data, TRANSFERS_VARIABLE)))
    return { kind: 'request', reason: 'transfer', transferred_by: 'callee' };
  return request('new');
}
