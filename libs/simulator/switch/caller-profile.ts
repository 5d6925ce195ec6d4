/** Microseconds since 1970; 0 means never. */
export interface Times {
  profileCreated: number;
  created: number;
  answered: number;
  progress: number;
  progressMedia: number;
  hangup: number;
  transferred: number;
  /** `sofia recover` brought the channel back. */
  resurrected: number;
  bridged: number;
}

/** Flags of a profile: what a party asked not to show of its identity, and whether the network has verified it. */
export interface Privacy {
  readonly hideName: boolean;
  readonly hideNumber: boolean;
  readonly screen: boolean;
}

export const NO_PRIVACY: Privacy = { hideName: false, hideNumber: false, screen: true };

/** switch_caller_profile_t: the parties of one channel. */
export interface CallerProfile {
  readonly direction: 'inbound' | 'outbound';
  callerIdName: string;
  callerIdNumber: string;
  readonly originalCallerIdName: string;
  readonly originalCallerIdNumber: string;
  calleeIdName: string | undefined;
  calleeIdNumber: string | undefined;
  privacy: Privacy;
  readonly networkAddress: string;
  destinationNumber: string;
  /** The destination number before the last transfer. */
  rdnis?: string;
  transferSource?: string;
  readonly uuid: string;
  context: string;
  readonly channelName: string;
  readonly times: Times;
}

export const newTimes = (created: number): Times => ({
  profileCreated: created,
  created,
  answered: 0,
  progress: 0,
  progressMedia: 0,
  hangup: 0,
  transferred: 0,
  resurrected: 0,
  bridged: 0,
});

/** The headers of a profile (switch_caller_profile_event_set_data). */
export function profileHeaders(profile: CallerProfile, prefix: string): [string, string][] {
  const { times, privacy } = profile;
  const headers: [string, string | undefined][] = [
    ['Direction', profile.direction],
    ['Caller-ID-Name', profile.callerIdName],
    ['Caller-ID-Number', profile.callerIdNumber],
    ['Orig-Caller-ID-Name', profile.originalCallerIdName],
    ['Orig-Caller-ID-Number', profile.originalCallerIdNumber],
    ['Callee-ID-Name', profile.calleeIdName],
    ['Callee-ID-Number', profile.calleeIdNumber],
    ['Network-Addr', profile.networkAddress],
    ['Destination-Number', profile.destinationNumber],
    ['Unique-ID', profile.uuid],
    ['Transfer-Source', profile.transferSource],
    ['Context', profile.context],
    ['RDNIS', profile.rdnis],
    ['Channel-Name', profile.channelName],
    ['Profile-Created-Time', String(times.profileCreated)],
    ['Channel-Created-Time', String(times.created)],
    ['Channel-Answered-Time', String(times.answered)],
    ['Channel-Progress-Time', String(times.progress)],
    ['Channel-Progress-Media-Time', String(times.progressMedia)],
    ['Channel-Hangup-Time', String(times.hangup)],
    ['Channel-Transfer-Time', String(times.transferred)],
    ['Channel-Resurrect-Time', String(times.resurrected)],
    ['Channel-Bridged-Time', String(times.bridged)],
    ['Screen-Bit', String(privacy.screen)],
    ['Privacy-Hide-Name', String(privacy.hideName)],
    ['Privacy-Hide-Number', String(privacy.hideNumber)],
  ];
  return headers.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[`${prefix}-${name}`, value] satisfies [string, string]],
  );
}

/** The fields that `${name}` and getvar find when no variable has the name (switch_caller_get_field_by_name). */
const FIELDS: ReadonlyMap<string, (profile: CallerProfile) => string | undefined> = new Map<
  string,
  (profile: CallerProfile) => string | undefined
>([
  ['caller_id_name', (profile) => profile.callerIdName],
  ['caller_id_number', (profile) => profile.callerIdNumber],
  ['orig_caller_id_name', (profile) => profile.originalCallerIdName],
  ['orig_caller_id_number', (profile) => profile.originalCallerIdNumber],
  ['callee_id_name', (profile) => profile.calleeIdName],
  ['callee_id_number', (profile) => profile.calleeIdNumber],
  ['network_addr', (profile) => profile.networkAddress],
  ['destination_number', (profile) => profile.destinationNumber],
  ['rdnis', (profile) => profile.rdnis],
  ['uuid', (profile) => profile.uuid],
  ['context', (profile) => profile.context],
  ['chan_name', (profile) => profile.channelName],
]);

export const profileField = (profile: CallerProfile, name: string): string | undefined =>
  FIELDS.get(name)?.(profile);
