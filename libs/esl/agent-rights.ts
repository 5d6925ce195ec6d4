/** The rights of an agent's login to the event socket. */

/** Events that the agent subscribes to. */
export const AGENT_EVENTS = [
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_HANGUP_COMPLETE',
] as const;

/** The CUSTOM event with which a called leg reports that it has accepted the call. */
export const ACCEPTED_SUBCLASS = 'dialhook::accepted';

/**
 * Events that are not required, because the directory users of earlier versions are not allowed to receive them, and what
 * is reported late without them, when a leg ends. A subclass of CUSTOM must be the last word of a list.
 */
export const OPTIONAL_AGENT_EVENTS: Readonly<Record<string, string>> = {
  CHANNEL_BRIDGE: 'attended transfers and pickups',
  [`CUSTOM ${ACCEPTED_SUBCLASS}`]: 'the answer of calls with confirm or whisper',
};

/** Api commands that the agent uses, and those of CALL_CONTROL=on. */
export const AGENT_APIS = ['show', 'uuid_exists', 'switchname', 'uptime'] as const;
export const CONTROL_APIS = ['uuid_getvar', 'uuid_kill', 'uuid_transfer'] as const;
