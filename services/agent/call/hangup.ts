import { RESULT_NAMES, type Result } from '#libs/contract/results.ts';
import { type ChannelData, channelTime, header, variable } from './channel-data.ts';
import { tried } from './tried.ts';

/** From two times in microseconds to milliseconds; 0 when one of them is missing. */
const between = (from: number, to: number): number =>
  from > 0 && to > from ? Math.round((to - from) / 1000) : 0;

function hangupBy(event: ChannelData): 'caller' | 'callee' | 'freeswitch' {
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

/** The fields that only a hangup notification has, from CHANNEL_HANGUP_COMPLETE of the caller leg. */
export function hangupFields(event: ChannelData) {
  const created = channelTime(event, 'Created');
  const ended = channelTime(event, 'Hangup');
  const [firstProgress = 0] = [channelTime(event, 'Progress'), channelTime(event, 'Progress-Media')]
    .filter((time) => time > 0)
    .sort();
  const result = resultOf(event);
  const status = sipStatus(event);
  return {
    ...(result === undefined ? {} : { result }),
    cause: header(event, 'Hangup-Cause'),
    q850: Number(variable(event, 'hangup_cause_q850')) || 0,
    ...(status === undefined ? {} : { sip_status: status }),
    hangup_by: hangupBy(event),
    duration_ms: between(created, ended),
    ring_ms: between(created, firstProgress),
    billable_ms: between(channelTime(event, 'Answered'), ended),
    tried: tried(event),
  };
}
