import { RESULT_NAMES, type Result } from '#libs/contract/results.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, header, variable } from './channel-data.ts';
import { targetFailure } from './entry.ts';

/** The end of the call, from CHANNEL_HANGUP_COMPLETE of the caller leg. */
export interface HangupFacts {
  /** Fields of the hangup notification. */
  readonly fields: {
    readonly result?: Result;
    readonly cause: string;
    readonly q850: number;
    readonly sip_status?: number;
  };
  /** Whether the caller sent BYE or CANCEL. */
  readonly byCaller: boolean;
  /** The SIP status with which the last called leg ended; 200 for a BYE. FreeSWITCH sets one of its own without a response. */
  readonly calledStatus: number | undefined;
}

const resultOf = (event: ChannelData): Result | undefined =>
  RESULT_NAMES.find((name) => name === variable(event, 'dialhook_result'));

function sipStatus(event: ChannelData): number | undefined {
  const text = variable(event, 'sip_term_status') || variable(event, 'sip_invite_failure_status');
  return wholeNumber(text, 699) || undefined;
}

export function hangupFacts(event: ChannelData): HangupFacts {
  const result = resultOf(event);
  const status = sipStatus(event);
  const disposition = variable(event, 'sip_hangup_disposition');
  return {
    fields: {
      ...(result === undefined ? {} : { result }),
      cause: header(event, 'Hangup-Cause'),
      q850: wholeNumber(variable(event, 'hangup_cause_q850'), 999) ?? 0,
      ...(status === undefined ? {} : { sip_status: status }),
    },
    byCaller: disposition === 'recv_bye' || disposition === 'recv_cancel',
    calledStatus: targetFailure(event).status,
  };
}
