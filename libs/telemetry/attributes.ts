import { ACTIONS } from '#libs/contract/endpoint.ts';
import { PHASES } from '#libs/contract/phases.ts';
import { RESULT_NAMES } from '#libs/contract/results.ts';

export const CAUSE_CLASSES = {
  normal: ['NORMAL_CLEARING', 'NORMAL_UNSPECIFIED', 'SUCCESS', 'NONE'],
  busy: ['USER_BUSY', 'BUSY_EVERYWHERE'],
  no_answer: ['NO_ANSWER', 'NO_USER_RESPONSE', 'ALLOTTED_TIMEOUT', 'PROGRESS_TIMEOUT', 'NO_PICKUP'],
  cancelled: ['ORIGINATOR_CANCEL', 'LOSE_RACE', 'PICKED_OFF'],
  rejected: ['CALL_REJECTED', 'DECLINE', 'UNWANTED', 'NOT_ACCEPTABLE', 'REJECT_ALL'],
  not_found: [
    'UNALLOCATED_NUMBER',
    'NO_ROUTE_DESTINATION',
    'NO_ROUTE_TRANSIT_NET',
    'INVALID_NUMBER_FORMAT',
    'DOES_NOT_EXIST_ANYWHERE',
    'USER_NOT_REGISTERED',
    'SUBSCRIBER_ABSENT',
  ],
  transferred: ['BLIND_TRANSFER', 'ATTENDED_TRANSFER'],
  congestion: [
    'NORMAL_CIRCUIT_CONGESTION',
    'SWITCH_CONGESTION',
    'NORMAL_TEMPORARY_FAILURE',
    'NETWORK_OUT_OF_ORDER',
    'REQUESTED_CHAN_UNAVAIL',
    'SERVICE_UNAVAILABLE',
    'RECOVERY_ON_TIMER_EXPIRE',
    'DESTINATION_OUT_OF_ORDER',
    'GATEWAY_DOWN',
    'MEDIA_TIMEOUT',
  ],
  /** The hangup was synthesized: the real one was never seen. */
  unseen: ['UNKNOWN'],
  other: [],
} as const satisfies Record<string, readonly string[]>;
export type CauseClass = keyof typeof CAUSE_CLASSES;

/** The kinds of entries that are processed one by one, each independent of the others. */
const ENTRY_KINDS = [
  ...(['call', 'freeswitch_event', 'live_call', 'notification', 'nats_message'] as const),
  ...(['timeline_step', 'limit_place', 'retry_job', 'waiting_entry', 'dead_letter', 'redis_key'] as const),
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** All attributes, each with its possible values, or with the bound of their number (`open`). */
export const ATTRIBUTES = {
  'dialhook.node': { open: 'one per FreeSWITCH node', description: 'the FreeSWITCH node' },
  'dialhook.endpoint': {
    open: 'METRICS_MAX_ENDPOINTS for each process; all others are counted as `other`',
    description: 'scheme, host and port of the endpoint; `none` without a valid URL',
  },
  'dialhook.result': { values: RESULT_NAMES, description: 'the result of the decision' },
  'dialhook.cause_class': {
    values: Object.keys(CAUSE_CLASSES),
    description: 'the class of the hangup cause',
  },
  'dialhook.answered': { values: ['true', 'false'], description: 'whether a called party answered' },
  'dialhook.action': {
    values: ACTIONS,
    description: 'the action of the notification',
  },
  'dialhook.phase': {
    values: PHASES,
    description:
      'the phase of the HTTP request: waiting for a connection, DNS, TCP handshake, TLS handshake, until the first byte of the answer, until its last byte',
  },
  'dialhook.outcome': {
    values: ['delivered', 'retried', 'dead'],
    description: 'the outcome of a delivery attempt',
  },
  'dialhook.reason': {
    values: ['gone', 'refused', 'refused_url', 'exhausted', 'endpoint_disabled', 'unprocessable'],
    description: 'why a notification became a dead letter',
  },
  'dialhook.check': {
    open: 'the checks of the service',
    description:
      'a check of /readyz: `nats`, `freeswitch`, `live calls`, `redis`, `queue`, `reader`, `entries`',
  },
  'dialhook.entry': {
    values: ENTRY_KINDS,
    description: 'what was set aside',
  },
  'dialhook.limit': {
    open: 'the limits in LIMITS, and in gauges at most 100 gateways of gw:*; in counters all others are `other`',
    description: 'the limit: `gw:GATEWAY` or `id:NAME`',
  },
  'dialhook.verdict': {
    values: ['taken', 'max', 'rate', 'unchecked'],
    description:
      '`taken`: the call counts; `max`, `rate`: the limit was reached; `unchecked`: JetStream did not answer in time',
  },
  'dialhook.gateway': { open: 'at most 100 for each node', description: 'the gateway' },
  'dialhook.cache': {
    values: ['hit', 'stale', 'miss'],
    description:
      '`hit`: decided without a request; `stale`: decided because the request failed; `miss`: no cached decision was used',
  },
  'dialhook.stream': {
    values: ['DIALHOOK_PROGRESS', 'DIALHOOK_LIVE', 'DIALHOOK_LIMITS'],
    description: 'the JetStream stream',
  },
  'dialhook.endpoint_state': {
    values: ['failing', 'throttled', 'disabled'],
    description: 'the state of the endpoint for notifications',
  },
  'dialhook.job_state': {
    values: ['waiting', 'active', 'delayed'],
    description: 'the state of the BullMQ jobs',
  },
  'error.type': {
    values: [
      'connect_timeout',
      'response_timeout',
      'connection_failed',
      'tls_failed',
      'body_too_large',
      'refused_url',
      'caller_gone',
      '3xx',
      '4xx',
      '5xx',
      '_OTHER',
    ],
    description: 'why the request failed; absent when it succeeded',
  },
  'http.request.method': { values: ['GET', 'POST'], description: 'the HTTP method' },
  'cpu.mode': { values: ['user', 'system'], description: 'user or system CPU time' },
  'v8js.gc.type': {
    values: ['minor', 'major', 'incremental', 'weakcb'],
    description: 'the kind of garbage collection',
  },
} as const satisfies Record<
  string,
  { description: string } & ({ values: readonly string[] } | { open: string })
>;
export type AttributeName = keyof typeof ATTRIBUTES;
