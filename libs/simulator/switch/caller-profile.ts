/** Microseconds since 1970; 0 is never. */
export interface Times {
  profileCreated: number;
  created: number;
  answered: number;
  progress: number;
  progressMedia: number;
  hangup: number;
  bridged: number;
}

/** switch_caller_profile_t: who calls whom on one channel. */
export interface CallerProfile {
  readonly direction: 'inbound' | 'outbound';
  readonly logicalDirection: 'inbound' | 'outbound';
  readonly username: string;
  readonly callerIdName: string;
  readonly callerIdNumber: string;
  readonly originalCallerIdName: string;
  readonly originalCallerIdNumber: string;
  calleeIdName: string | undefined;
  calleeIdNumber: string | undefined;
  readonly networkAddress: string;
  readonly ani: string;
  destinationNumber: string;
  /** Dialled before a transfer. */
  rdnis?: string;
  transferSource?: string;
  readonly uuid: string;
  context: string;
  readonly channelName: string;
  readonly index: number | undefined;
  readonly times: Times;
}

export const noTimes = (): Times => ({
  profileCreated: 0,
  created: 0,
  answered: 0,
  progress: 0,
  progressMedia: 0,
  hangup: 0,
  bridged: 0,
});

/** The headers of a profile in the order of switch_caller_profile_event_set_data. */
export function profileHeaders(profile: CallerProfile, prefix: string): [string, string][] {
  const { times } = profile;
  const headers: [string, string | undefined][] = [
    ['Direction', profile.direction],
    ['Logical-Direction', profile.logicalDirection],
    ['Username', profile.username],
    ['Dialplan', 'XML'],
    ['Caller-ID-Name', profile.callerIdName],
    ['Caller-ID-Number', profile.callerIdNumber],
    ['Orig-Caller-ID-Name', profile.originalCallerIdName],
    ['Orig-Caller-ID-Number', profile.originalCallerIdNumber],
    ['Callee-ID-Name', profile.calleeIdName],
    ['Callee-ID-Number', profile.calleeIdNumber],
    ['Network-Addr', profile.networkAddress],
    ['ANI', profile.ani],
    ['Destination-Number', profile.destinationNumber],
    ['Unique-ID', profile.uuid],
    ['Source', 'mod_sofia'],
    ['Transfer-Source', profile.transferSource],
    ['Context', profile.context],
    ['RDNIS', profile.rdnis],
    ['Channel-Name', profile.channelName],
    ['Profile-Index', profile.index?.toString()],
    ['Profile-Created-Time', String(times.profileCreated)],
    ['Channel-Created-Time', String(times.created)],
    ['Channel-Answered-Time', String(times.answered)],
    ['Channel-Progress-Time', String(times.progress)],
    ['Channel-Progress-Media-Time', String(times.progressMedia)],
    ['Channel-Hangup-Time', String(times.hangup)],
    ['Channel-Transfer-Time', '0'],
    ['Channel-Resurrect-Time', '0'],
    ['Channel-Bridged-Time', String(times.bridged)],
    ['Channel-Last-Hold', '0'],
    ['Channel-Hold-Accum', '0'],
    ['Screen-Bit', 'true'],
    ['Privacy-Hide-Name', 'false'],
    ['Privacy-Hide-Number', 'false'],
  ];
  return headers.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[`${prefix}-${name}`, value] satisfies [string, string]],
  );
}

/** The fields that `${name}` and getvar find when no variable has the name (switch_caller_get_field_by_name). */
export function profileField(profile: CallerProfile, name: string): string | undefined {
  switch (name) {
    case 'dialplan':
      return 'XML';
    case 'username':
      return profile.username;
    case 'caller_id_name':
      return profile.callerIdName;
    case 'caller_id_number':
      return profile.callerIdNumber;
    case 'orig_caller_id_name':
      return profile.originalCallerIdName;
    case 'orig_caller_id_number':
      return profile.originalCallerIdNumber;
    case 'callee_id_name':
      return profile.calleeIdName;
    case 'callee_id_number':
      return profile.calleeIdNumber;
    case 'network_addr':
      return profile.networkAddress;
    case 'ani':
      return profile.ani;
    case 'destination_number':
      return profile.destinationNumber;
    case 'rdnis':
      return profile.rdnis;
    case 'uuid':
      return profile.uuid;
    case 'source':
      return 'mod_sofia';
    case 'context':
      return profile.context;
    case 'chan_name':
      return profile.channelName;
    default:
      return undefined;
  }
}
