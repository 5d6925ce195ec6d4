import { type ChannelData, header, variable } from './channel-data.ts';

/** The failure of a called leg. Fields that do not apply are undefined. */
export interface LegFailure {
  readonly cause: string;
  /** SIP status with which the called party refused or redirected. */
  readonly sip_status?: number;
  readonly sip_phrase?: string;
  readonly sip_reason?: string;
  readonly redirect_to?: string;
}

const URI = /<([^>]*)>/;
const MAX_TEXT = 256;

const given = <Name extends string>(name: Name, text: string): { [N in Name]?: string } =>
  text === '' ? {} : ({ [name]: text.slice(0, MAX_TEXT).toWellFormed() } as { [N in Name]?: string });

/**
 * From CHANNEL_HANGUP_COMPLETE of a called leg. FreeSWITCH writes status 487 and phrase CANCEL when it cancels the leg
 * itself (send_cancel), also after a redirect that it does not follow: only sip:3xx says so then.
 */
export function legFailure(data: ChannelData): LegFailure {
  const cause = header(data, 'Hangup-Cause');
  const [, specific] = /^sip:([3-6]\d\d)$/.exec(variable(data, 'proto_specific_hangup_cause')) ?? [];
  const cancelled = variable(data, 'sip_hangup_disposition') === 'send_cancel';
  if (cancelled) {
    const redirect = variable(data, 'sip_redirected_to');
    if (redirect === '' || specific === undefined) return { cause };
    return {
      cause,
      sip_status: Number(specific),
      ...given('redirect_to', URI.exec(redirect)?.[1] ?? redirect),
    };
  }
  const status = Number(specific ?? variable(data, 'sip_invite_failure_status'));
  if (!(status >= 300 && status < 700)) return { cause };
  return {
    cause,
    sip_status: status,
    ...given('sip_phrase', variable(data, 'sip_invite_failure_phrase')),
    ...given('sip_reason', variable(data, 'sip_reason')),
  };
}
