import { microseconds } from '#libs/simulator/clock.ts';
import { setTransferSource } from '#libs/simulator/dialplan/blind-transfer.ts';
import { bridgeChannels } from '#libs/simulator/originate/bridge-channels.ts';
import { Channel, type ChannelHost } from '#libs/simulator/switch/channel.ts';
import type { Value } from '#libs/simulator/switch/variables.ts';

/** A channel as it was before a crash. */
type TrackedChannel = Pick<Channel, 'profile' | 'other' | 'party'> & {
  readonly variables: readonly (readonly [string, Value])[];
};

/** A call of the process that crashed: two answered channels in a bridge. */
export interface TrackedCall {
  readonly a: TrackedChannel;
  readonly b: TrackedChannel;
}

/** A call that `sofia recover` has brought back. */
export interface RecoveredCall {
  readonly uuid: string;
  /** Resolves when both legs have ended. */
  readonly ended: Promise<void>;
}

/** The calls that a profile with track-calls can recover: those whose caller leg is bridged with an answered leg. */
export function trackedCalls({ channels }: ChannelHost): readonly TrackedCall[] {
  return [...channels.values()].flatMap((a) => {
    const b = a.bridgeRole === 'originator' ? a.partner : undefined;
    return b?.answered && a.answered ? [{ a: copy(a), b: copy(b) }] : [];
  });
}

const copy = ({ profile, other, party, variables }: Channel): TrackedChannel => ({
  profile: { ...profile, times: { ...profile.times } },
  other,
  party,
  variables: [...variables],
});

/**
 * `sofia recover` for one call: both channels come back with their uuids and variables and are bridged again. Their
 * answer times are those before the crash, their creation times are new, so durations are wrong, as in FreeSWITCH.
 */
export function recoverCall(host: ChannelHost, tracked: TrackedCall): RecoveredCall {
  const b = resurrect(host, tracked.b);
  const a = resurrect(host, tracked.a);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.profile.times.resurrected = 0;
    one.set('bridge_channel', other.profile.channelName);
    one.set('bridge_uuid', other.uuid);
    one.set('signal_bond', other.uuid);
    setTransferSource(one, `uuid_br:${other.uuid}`);
  }
  const run = async (): Promise<void> => {
    await bridgeChannels(a, b, () => {});
    a.hangup('NORMAL_CLEARING');
    a.report();
  };
  return { uuid: a.uuid, ended: run() };
}

function resurrect(host: ChannelHost, crashed: TrackedChannel): Channel {
  const now = microseconds(host.clock);
  const channel = new Channel(host, {
    ...crashed.profile,
    times: {
      ...crashed.profile.times,
      created: now,
      profileCreated: now,
      resurrected: now,
      hangup: 0,
      bridged: 0,
    },
  });
  channel.setAll(crashed.variables);
  channel.set('recovered', 'true');
  channel.other = crashed.other;
  channel.answered = true;
  channel.party = crashed.party?.recover(channel);
  if (channel.profile.direction === 'outbound')
    channel.onHangup(() => queueMicrotask(() => channel.report()));
  channel.fire('CHANNEL_CREATE');
  return channel;
}
