import { randomUUID } from 'node:crypto';
import { microseconds } from '#libs/simulator/clock.ts';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { outboundVariables } from '#libs/simulator/sip/channel-variables.ts';
import { copyHeaders } from '#libs/simulator/sip/custom-headers.ts';
import { parsePrivacy } from '#libs/simulator/sip/identity.ts';
import { type CallerProfile, newTimes } from '#libs/simulator/switch/caller-profile.ts';
import { Channel } from '#libs/simulator/switch/channel.ts';
import { runHooks } from '#libs/simulator/switch/hooks.ts';
import { checkDecode, isTrue, sanitizeNumber, separate } from '#libs/simulator/switch/switch-strings.ts';
import type { Destination } from './destination.ts';
import type { DialVariables } from './dial-string.ts';
import type { OriginateSettings } from './originate-settings.ts';

const DEFAULT_CODECS = 'PCMU@8000h@20i';

/** Creates one called leg; its INVITE is not sent yet. */
export function createCalledLeg(
  thread: CallThread,
  destination: Destination,
  settings: OriginateSettings,
): CalledLeg {
  const { core } = thread.node;
  const a = thread.leg.channel;
  const legVariables = new Map([...settings.variables, ...destination.variables]);
  const uuid = legVariables.get('origination_uuid') ?? randomUUID();
  const number = sanitizeNumber(destination.address);
  const privacy = legVariables.get('origination_privacy');
  const shownName = legVariables.get('origination_callee_id_name') ?? 'Outbound Call';
  const shownNumber = legVariables.get('origination_callee_id_number') ?? number;
  const channel = new Channel(core, {
    ...a.profile,
    ...callerId(a, legVariables),
    direction: 'outbound',
    ...(privacy === undefined ? {} : { privacy: parsePrivacy(privacy) }),
    calleeIdName: shownName,
    calleeIdNumber: shownNumber,
    destinationNumber: number,
    uuid,
    channelName: destination.channelName,
    times: newTimes(microseconds(core.clock)),
  });
  channel.state = 'CS_CONSUME_MEDIA';
  channel.other = { type: 'originator', profile: originatorProfile(a.profile) };
  channel.setAll(outboundVariables({ ...destination, uuid, callerUuid: a.uuid }));
  a.set('originate_signal_bond', uuid);
  copyHeaders(a, channel, 'sip_h_');
  const type = a.variables.get('sip_cid_type');
  // A gateway has a type of its own.
  if (type !== undefined && destination.gateway === undefined) channel.set('sip_cid_type', type);
  // Braces override brackets, unless local_var_clobber is set.
  const variables = isTrue(settings.variables.get('local_var_clobber'))
    ? [...settings.variables, ...destination.variables]
    : [...destination.variables, ...settings.variables];
  channel.setAll(variables);
  channel.set('originating_leg_uuid', a.uuid);
  channel.set('originate_endpoint', destination.endpoint);
  a.variables.push('originated_legs', `${uuid};${shownName};${shownNumber}`);
  runHooks(thread.node, channel, 'originate');
  const parameters = channel.variables.get('sip_invite_tel_params');
  const codecs = channel.variables.get('absolute_codec_string') ?? DEFAULT_CODECS;
  const invite = {
    leg: uuid,
    endpoint: `${destination.endpoint}/${destination.address}`,
    number: [destination.number, ...(parameters === undefined ? [] : [parameters])].join(';'),
    host: destination.host,
    gateway: destination.gateway,
    profile: destination.profile,
    callerNumber: channel.profile.callerIdNumber,
    callerName: checkDecode(channel.profile.callerIdName),
    codecs: separate(codecs, ',').map((codec) => codec.split('@', 1)[0] ?? codec),
    variables: Object.fromEntries(variables),
  };
  const leg = new CalledLeg({
    node: thread.node,
    channel,
    invite,
    send: thread.call.send,
    onMessage: thread.call.onMessage,
    onProgress: thread.call.onProgress,
  });
  thread.call.addCalledLeg(leg);
  return leg;
}

function callerId(
  caller: Channel,
  legVariables: DialVariables,
): Pick<CallerProfile, 'callerIdName' | 'callerIdNumber'> {
  const value = (field: string, original: string): string =>
    sanitizeNumber(
      legVariables.get(`origination_${field}`) ?? caller.variables.get(`effective_${field}`) ?? original,
    );
  return {
    callerIdName: value('caller_id_name', caller.profile.callerIdName),
    callerIdNumber: value('caller_id_number', caller.profile.callerIdNumber),
  };
}

/** The caller's profile as a called leg carries it: of its times only those of its progress. */
const originatorProfile = (caller: CallerProfile): CallerProfile => ({
  ...caller,
  calleeIdName: undefined,
  calleeIdNumber: undefined,
  times: {
    ...newTimes(0),
    progress: caller.times.progress,
    progressMedia: caller.times.progressMedia,
  },
});
