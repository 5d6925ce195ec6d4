import type { Progress } from '#libs/simulator/call-record.ts';
import { microseconds } from '#libs/simulator/clock.ts';
import { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import type { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { inviteVariables, type OutboundCall, outboundVariables } from '#libs/simulator/sip/leg-variables.ts';
import { noTimes } from '#libs/simulator/switch/caller-profile.ts';
import { Channel } from '#libs/simulator/switch/channel.ts';
import { type Node, runHooks } from '#libs/simulator/switch/node.ts';
import { isTrue, sanitizeNumber, separate } from '#libs/simulator/switch/switch-strings.ts';
import type { Destination } from './destination.ts';
import type { OriginateSettings } from './originate-settings.ts';

const DEFAULT_CODECS = 'PCMU@8000h@20i';

/** Creates one called channel and sends its INVITE. */
export function outgoingChannel(
  node: Node,
  caller: CallerLeg,
  destination: Destination,
  settings: OriginateSettings,
  told: (progress: Progress) => void,
): CalledLeg {
  const { core } = node;
  const a = caller.channel;
  const merged = new Map([...settings.variables, ...destination.variables]);
  const uuid = merged.get('origination_uuid') ?? core.random.uuid();
  const number = sanitizeNumber(destination.address);
  const now = microseconds(core.clock);
  const channel = new Channel(core, {
    ...a.profile,
    direction: 'outbound',
    logicalDirection: 'outbound',
    callerIdName: sanitizeNumber(
      merged.get('origination_caller_id_name') ??
        a.variables.get('effective_caller_id_name') ??
        a.profile.callerIdName,
    ),
    callerIdNumber: sanitizeNumber(
      merged.get('origination_caller_id_number') ??
        a.variables.get('effective_caller_id_number') ??
        a.profile.callerIdNumber,
    ),
    calleeIdName: 'Outbound Call',
    calleeIdNumber: number,
    destinationNumber: number,
    uuid,
    channelName: destination.channelName,
    times: { ...noTimes(), created: now, profileCreated: now },
  });
  channel.state = 'CS_CONSUME_MEDIA';
  channel.other = {
    type: 'originator',
    profile: {
      ...a.profile,
      calleeIdName: undefined,
      calleeIdNumber: undefined,
      index: undefined,
      times: {
        ...noTimes(),
        progress: a.profile.times.progress,
        progressMedia: a.profile.times.progressMedia,
      },
    },
  };
  const call: OutboundCall = {
    ...destination,
    uuid,
    sessionId: core.nextSessionId(),
    callerNumber: channel.profile.callerIdNumber,
    callerUuid: a.uuid,
  };
  channel.setAll(outboundVariables(call));
  a.set('originate_signal_bond', uuid);
  const clobber = isTrue(settings.variables.get('local_var_clobber'));
  const [first, second] = clobber
    ? [settings.variables, destination.variables]
    : [destination.variables, settings.variables];
  channel.setAll(first);
  channel.setAll(second);
  channel.setAll([
    ['originating_leg_uuid', a.uuid],
    ['originate_endpoint', destination.endpoint],
  ]);
  a.variables.push('originated_legs', `${uuid};Outbound Call;${number}`);
  runHooks(node, channel, 'originate');
  channel.fire('CHANNEL_CREATE');
  const codecs = channel.variables.get('absolute_codec_string') ?? DEFAULT_CODECS;
  channel.setAll(inviteVariables(call, codecs, core.random));
  return new CalledLeg(node, {
    channel,
    call,
    told,
    invite: {
      leg: uuid,
      endpoint: `${destination.endpoint}/${destination.address}`,
      number: destination.number,
      host: destination.host,
      gateway: destination.gateway,
      profile: destination.profile,
      callerNumber: channel.profile.callerIdNumber,
      callerName: channel.profile.callerIdName,
      codecs: separate(codecs, ',').map((codec) => codec.split('@', 1)[0] ?? codec),
      variables: Object.fromEntries([...first, ...second]),
    },
  });
}
