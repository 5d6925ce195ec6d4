/**
 * FreeSWITCH's hangup causes by name, each with its numbers (`switch_call_cause_t` in switch_types.h). FreeSWITCH 1.11
 * moved its own causes from 500.. and 600.. to 700.. and 800..; the first of two numbers is the older one. Names are
 * the same in every version, so Dialhook sends names to FreeSWITCH.
 */
export const HANGUP_CAUSES = {
  NONE: [0],
  UNALLOCATED_NUMBER: [1],
  NO_ROUTE_TRANSIT_NET: [2],
  NO_ROUTE_DESTINATION: [3],
  CHANNEL_UNACCEPTABLE: [6],
  CALL_AWARDED_DELIVERED: [7],
  NORMAL_CLEARING: [16],
  USER_BUSY: [17],
  NO_USER_RESPONSE: [18],
  NO_ANSWER: [19],
  SUBSCRIBER_ABSENT: [20],
  CALL_REJECTED: [21],
  NUMBER_CHANGED: [22],
  REDIRECTION_TO_NEW_DESTINATION: [23],
  EXCHANGE_ROUTING_ERROR: [25],
  DESTINATION_OUT_OF_ORDER: [27],
  INVALID_NUMBER_FORMAT: [28],
  FACILITY_REJECTED: [29],
  RESPONSE_TO_STATUS_ENQUIRY: [30],
  NORMAL_UNSPECIFIED: [31],
  NORMAL_CIRCUIT_CONGESTION: [34],
  NETWORK_OUT_OF_ORDER: [38],
  NORMAL_TEMPORARY_FAILURE: [41],
  SWITCH_CONGESTION: [42],
  ACCESS_INFO_DISCARDED: [43],
  REQUESTED_CHAN_UNAVAIL: [44],
  PRE_EMPTED: [45],
  FACILITY_NOT_SUBSCRIBED: [50],
  OUTGOING_CALL_BARRED: [52],
  INCOMING_CALL_BARRED: [54],
  BEARERCAPABILITY_NOTAUTH: [57],
  BEARERCAPABILITY_NOTAVAIL: [58],
  SERVICE_UNAVAILABLE: [63],
  BEARERCAPABILITY_NOTIMPL: [65],
  CHAN_NOT_IMPLEMENTED: [66],
  FACILITY_NOT_IMPLEMENTED: [69],
  SERVICE_NOT_IMPLEMENTED: [79],
  INVALID_CALL_REFERENCE: [81],
  INCOMPATIBLE_DESTINATION: [88],
  INVALID_MSG_UNSPECIFIED: [95],
  MANDATORY_IE_MISSING: [96],
  MESSAGE_TYPE_NONEXIST: [97],
  WRONG_MESSAGE: [98],
  IE_NONEXIST: [99],
  INVALID_IE_CONTENTS: [100],
  WRONG_CALL_STATE: [101],
  RECOVERY_ON_TIMER_EXPIRE: [102],
  MANDATORY_IE_LENGTH_ERROR: [103],
  PROTOCOL_ERROR: [111],
  INTERWORKING: [127],
  SUCCESS: [142],
  ORIGINATOR_CANCEL: [487],
  CRASH: [500, 700],
  SYSTEM_SHUTDOWN: [501, 701],
  LOSE_RACE: [502, 702],
  MANAGER_REQUEST: [503, 703],
  BLIND_TRANSFER: [600, 800],
  ATTENDED_TRANSFER: [601, 801],
  ALLOTTED_TIMEOUT: [602, 802],
  USER_CHALLENGE: [603, 803],
  MEDIA_TIMEOUT: [604, 804],
  PICKED_OFF: [605, 805],
  USER_NOT_REGISTERED: [606, 806],
  PROGRESS_TIMEOUT: [607, 807],
  INVALID_GATEWAY: [608, 808],
  GATEWAY_DOWN: [609, 809],
  INVALID_URL: [610, 810],
  INVALID_PROFILE: [611, 811],
  NO_PICKUP: [612, 812],
  SRTP_READ_ERROR: [613, 813],
  BOWOUT: [614, 814],
  BUSY_EVERYWHERE: [615, 815],
  DECLINE: [616, 816],
  DOES_NOT_EXIST_ANYWHERE: [617, 817],
  NOT_ACCEPTABLE: [618, 818],
  UNWANTED: [619, 819],
  NO_IDENTITY: [620, 820],
  BAD_IDENTITY_INFO: [621, 821],
  UNSUPPORTED_CERTIFICATE: [622, 822],
  INVALID_IDENTITY: [623, 823],
  STALE_DATE: [624, 824],
  REJECT_ALL: [625, 825],
} as const satisfies Record<string, readonly [number, ...number[]]>;

export type HangupCause = keyof typeof HANGUP_CAUSES;

/** The causes of SIP's global failures (6xx): the party must not be tried at another target. */
export const GLOBAL_FAILURE_CAUSES = [
  'BUSY_EVERYWHERE',
  'DECLINE',
  'DOES_NOT_EXIST_ANYWHERE',
  'NOT_ACCEPTABLE',
  'UNWANTED',
] as const satisfies readonly HangupCause[];

const nameByNumber = new Map<number, HangupCause>(
  Object.entries(HANGUP_CAUSES).flatMap(([name, numbers]) =>
    numbers.map((number) => [number, name as HangupCause] as const),
  ),
);

/** The name of a cause given as a name (in any case), a number, or a number as text; undefined for an unknown cause. */
export function hangupCause(cause: string | number): HangupCause | undefined {
  if (typeof cause === 'number') return nameByNumber.get(cause);
  if (/^\d+$/.test(cause)) return nameByNumber.get(Number(cause));
  const name = cause.trim().toUpperCase();
  return Object.hasOwn(HANGUP_CAUSES, name) ? (name as HangupCause) : undefined;
}
