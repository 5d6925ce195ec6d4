import { causeName, causeNumber } from '#libs/simulator/switch/hangup-cause.ts';

const STATUS_OF_CAUSE: ReadonlyMap<string, number> = new Map(
  Object.entries({
    403: 'OUTGOING_CALL_BARRED INCOMING_CALL_BARRED BEARERCAPABILITY_NOTAUTH STALE_DATE',
    404: 'UNALLOCATED_NUMBER NO_ROUTE_TRANSIT_NET NO_ROUTE_DESTINATION',
    408: 'NO_USER_RESPONSE',
    410: 'NUMBER_CHANGED REDIRECTION_TO_NEW_DESTINATION',
    428: 'NO_IDENTITY',
    429: 'BAD_IDENTITY_INFO',
    437: 'UNSUPPORTED_CERTIFICATE',
    438: 'INVALID_IDENTITY',
    480: 'NO_ANSWER SUBSCRIBER_ABSENT NORMAL_UNSPECIFIED',
    483: 'EXCHANGE_ROUTING_ERROR',
    484: 'INVALID_NUMBER_FORMAT INVALID_URL INVALID_GATEWAY',
    486: 'USER_BUSY',
    487: 'ORIGINATOR_CANCEL',
    488: 'BEARERCAPABILITY_NOTIMPL INCOMPATIBLE_DESTINATION',
    501: 'FACILITY_REJECTED FACILITY_NOT_IMPLEMENTED SERVICE_NOT_IMPLEMENTED',
    502: 'DESTINATION_OUT_OF_ORDER INVALID_PROFILE',
    503:
      'REQUESTED_CHAN_UNAVAIL NORMAL_CIRCUIT_CONGESTION NETWORK_OUT_OF_ORDER NORMAL_TEMPORARY_FAILURE ' +
      'SWITCH_CONGESTION GATEWAY_DOWN BEARERCAPABILITY_NOTAVAIL',
    504: 'RECOVERY_ON_TIMER_EXPIRE',
    600: 'BUSY_EVERYWHERE',
    603: 'CALL_REJECTED DECLINE REJECT_ALL',
    604: 'DOES_NOT_EXIST_ANYWHERE',
    606: 'NOT_ACCEPTABLE',
    607: 'UNWANTED',
  }).flatMap(([status, causes]) => causes.split(' ').map((cause) => [cause, Number(status)] as const)),
);

const CAUSE_OF_STATUS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    NORMAL_CLEARING: [200],
    CALL_REJECTED: [401, 402, 403, 407, 603, 608],
    UNWANTED: [607],
    UNALLOCATED_NUMBER: [404],
    NO_ROUTE_DESTINATION: [485, 604],
    RECOVERY_ON_TIMER_EXPIRE: [408, 504],
    NUMBER_CHANGED: [410],
    INTERWORKING: [413, 414, 416, 420, 421, 423, 505, 513],
    NO_USER_RESPONSE: [480],
    NORMAL_TEMPORARY_FAILURE: [400, 481, 500, 503],
    USER_BUSY: [486, 600],
    INVALID_NUMBER_FORMAT: [484],
    INCOMPATIBLE_DESTINATION: [488, 606],
    NETWORK_OUT_OF_ORDER: [502],
    SERVICE_UNAVAILABLE: [405],
    SERVICE_NOT_IMPLEMENTED: [406, 415, 501],
    EXCHANGE_ROUTING_ERROR: [482, 483],
    ORIGINATOR_CANCEL: [487],
    NO_IDENTITY: [428],
    BAD_IDENTITY_INFO: [429],
    UNSUPPORTED_CERTIFICATE: [437],
    INVALID_IDENTITY: [438],
  }).flatMap(([cause, statuses]) => statuses.map((status) => [status, cause] as const)),
);

const PHRASES: ReadonlyMap<number, string> = new Map(
  Object.entries({
    100: 'Trying',
    180: 'Ringing',
    183: 'Session Progress',
    200: 'OK',
    202: 'Accepted',
    301: 'Moved Permanently',
    302: 'Moved Temporarily',
    305: 'Use Proxy',
    380: 'Alternative Service',
    400: 'Bad Request',
    403: 'Forbidden',
    404: 'Not Found',
    408: 'Request Timeout',
    410: 'Gone',
    480: 'Temporarily Unavailable',
    484: 'Address Incomplete',
    486: 'Busy Here',
    487: 'Request Terminated',
    488: 'Not Acceptable Here',
    500: 'Internal Server Error',
    503: 'Service Unavailable',
    600: 'Busy Everywhere',
    603: 'Decline',
    604: 'Does Not Exist Anywhere',
    606: 'Not Acceptable',
    607: 'Unwanted',
    608: 'Rejected',
  }).map(([status, phrase]) => [Number(status), phrase]),
);

export const statusOfCause = (cause: string): number => STATUS_OF_CAUSE.get(cause) ?? 480;
export const causeOfStatus = (status: number): string => CAUSE_OF_STATUS.get(status) ?? 'NORMAL_UNSPECIFIED';
export const statusPhrase = (status: number): string => PHRASES.get(status) ?? 'Because';

/** The Reason header of a BYE, CANCEL or refusal that FreeSWITCH sends (sofia_on_hangup in mod_sofia.c). */
export function reasonHeader(cause: string): string {
  if (cause === 'PICKED_OFF' || cause === 'LOSE_RACE') return 'SIP;cause=200;text="Call completed elsewhere"';
  const number = causeNumber(cause);
  return `${number > 0 && number < 128 ? 'Q.850' : 'SIP'};cause=${number};text="${cause}"`;
}

/** The cause in a Reason header with protocol Q.850, which overrides that of the status. */
export function causeOfReason(reason: string | undefined): string | undefined {
  const number = Number(/^Q\.850\s*;.*cause=(\d+)/i.exec(reason ?? '')?.[1]);
  return number > 0 ? causeName(number) : undefined;
}
