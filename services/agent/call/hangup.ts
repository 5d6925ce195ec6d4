import { RESULT_NAMES, type Result } from '#libs/contract/results.ts';
import { type ChannelData, header, variable } from './channel-data.ts';

/** The end of the call, from CHANNEL_HANGUP_COMPLETE of the caller leg. */
export interface HangupFacts {
  readonly result?: Result;
  readonly cause: string;
  readonly q850: number;
  readonly sip_status?: number;
  readonly hangup_by: 'caller' | 'callee' | 'freeswitch';
}

function hangupBy(event: ChannelData): HangupFacts['hangup_by'] {
  const disposition = variable(event, 'sip_hangup_disposition');
  if (disposition === 'recv_bye' || disposition === 'recv_cancel') return 'caller';
  const isCauseFromSip = variable(event, 'last_bridge_proto_specific_hangup_cause').startsWith('sip:');
  return isCauseFromSip ? 'callee' : 'freeswitch';
}

const resultOf = (event: ChannelData): Result | undefined =>
  RESULT_NAMES.find((name) => name === variable(event, 'dialhook_result'));

function sipStatus(event: ChannelData): number | undefined {
  const status = Number(variable(event, 'sip_term_status') || variable(event, 'sip_invite_failure_status'));
  return status > 0 ? status : undefined;
}

export function hangupFacts(event: ChannelData): HangupFacts {
  const result = resultOf(event);
  const status = sipStatus(event);
  return {
    ...(result === undefined ? {} : { result }),
    cause: header(event, 'Hangup-Cause'),
    q850: Number(variable(event, 'hangup_cause_q850')) || 0,
    ...(status === undefined ? {} : { sip_status: status }),
    hangup_by: hangupBy(event),
  };
}
