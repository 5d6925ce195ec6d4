import { PHASES } from '#libs/contract/phases.ts';
import { RESULT_NAMES } from '#libs/contract/results.ts';

/** All metrics of Dialhook. Instruments and docs/metrics.md are generated from this list. */

export type Kind = 'counter' | 'histogram' | 'gauge' | 'observed counter';

export interface Instrument {
  readonly kind: Kind;
  /** A UCUM unit, as in OpenTelemetry. */
  readonly unit: string;
  readonly description: string;
  /** Names of ATTRIBUTES. */
  readonly attributes: readonly AttributeName[];
  readonly by: readonly ('agent' | 'router' | 'notifier')[];
  /** Upper bounds of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

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
    values: ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'],
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
    values: ['gone', 'refused', 'refused_url', 'exhausted', 'endpoint_disabled'],
    description: 'why a notification became a dead letter',
  },
  'dialhook.check': {
    open: 'the checks of the service',
    description: 'a check of /readyz: `nats`, `freeswitch`, `live calls`, `redis`, `queue`, `reader`',
  },
  'dialhook.stream': {
    values: ['DIALHOOK_PROGRESS', 'DIALHOOK_LIVE'],
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

const ALL = ['agent', 'router', 'notifier'] as const;
/** Times that a caller waits: from 1 ms to the longest useful timeouts. */
const WAITS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10];
const RINGS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 10, 20, 30, 60];
const TALKS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];
/** From immediate delivery to the end of the default retry schedule, a day. */
const LAGS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 300, 1800, 7200, 86_400];

export const INSTRUMENTS = {
  'dialhook.decisions': {
    kind: 'counter',
    unit: '{decision}',
    description: 'Calls that FreeSWITCH handed to the agent with `socket`, by result',
    attributes: ['dialhook.result', 'dialhook.node', 'dialhook.endpoint'],
    by: ['agent'],
  },
  'dialhook.decision.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Time the caller waits: from the connection of `socket` to the commands that the agent sends to FreeSWITCH',
    attributes: ['dialhook.node', 'dialhook.endpoint'],
    by: ['agent'],
    buckets: WAITS,
  },
  'dialhook.calls.in_flight': {
    kind: 'gauge',
    unit: '{call}',
    description: 'Decision requests in flight',
    attributes: [],
    by: ['agent', 'router'],
  },
  'dialhook.calls.active': {
    kind: 'gauge',
    unit: '{call}',
    description:
      'Live calls with notifications, as known to this agent; two agents of a node both report them',
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.calls.ended': {
    kind: 'counter',
    unit: '{call}',
    description:
      'Ended calls, each counted once even with two agents per node; calls with notify type 0 are not counted',
    attributes: ['dialhook.node', 'dialhook.cause_class', 'dialhook.answered'],
    by: ['agent'],
  },
  'dialhook.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time from answer to hangup of answered calls',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: TALKS,
  },
  'dialhook.call.post_dial_delay': {
    kind: 'histogram',
    unit: 's',
    description: 'Time from the INVITE to the first 180 or 183 of a called leg',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: RINGS,
  },
  'dialhook.event_socket.up': {
    kind: 'gauge',
    unit: '{state}',
    description: '1 while the agent is logged in to the event socket of its FreeSWITCH node, else 0',
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.event_socket.lag': {
    kind: 'histogram',
    unit: 's',
    description:
      'Time from the timestamp of a FreeSWITCH event until the agent reads it; includes clock differences',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: WAITS,
  },
  'dialhook.notifications.published': {
    kind: 'counter',
    unit: '{notification}',
    description: 'Notifications stored in JetStream, each counted once',
    attributes: ['dialhook.node', 'dialhook.action'],
    by: ['agent'],
  },
  'dialhook.notifications.buffered': {
    kind: 'gauge',
    unit: '{notification}',
    description: 'Notifications buffered until JetStream accepts them',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.notifications.dropped': {
    kind: 'observed counter',
    unit: '{notification}',
    description: 'Notifications lost because the buffer of the agent was full',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.live_calls.buffered': {
    kind: 'gauge',
    unit: '{write}',
    description: 'Writes and deletions of live calls buffered until JetStream accepts them',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.live_calls.closed_early': {
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that were still up after their synthesized hangup',
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.live_calls.dropped': {
    kind: 'observed counter',
    unit: '{write}',
    description: 'Writes and deletions of live calls lost because the buffer of the agent was full',
    attributes: [],
    by: ['agent'],
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of requests to endpoints: decision requests of routers, notifications of notifiers',
    attributes: ['http.request.method', 'dialhook.endpoint', 'error.type'],
    by: ['router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.endpoint.phase.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of each phase of these requests; a phase that did not happen, for example `connect` on a kept-alive connection, is not counted',
    attributes: ['dialhook.endpoint', 'dialhook.phase'],
    by: ['router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.breaker.state': {
    kind: 'gauge',
    unit: '{state}',
    description: 'State of the circuit breaker of an endpoint in this router: 0 closed, 1 half open, 2 open',
    attributes: ['dialhook.endpoint'],
    by: ['router'],
  },
  'dialhook.notification.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'Delivery attempts of notifications',
    attributes: ['dialhook.endpoint', 'dialhook.outcome'],
    by: ['notifier'],
  },
  'dialhook.notification.lag': {
    kind: 'histogram',
    unit: 's',
    description: 'Time from the FreeSWITCH event to the delivery of its notification',
    attributes: ['dialhook.endpoint'],
    by: ['notifier'],
    buckets: LAGS,
  },
  'dialhook.dead_letters.kept': {
    kind: 'counter',
    unit: '{notification}',
    description: 'Notifications that became dead letters',
    attributes: ['dialhook.endpoint', 'dialhook.reason'],
    by: ['notifier'],
  },
  'dialhook.dead_letters': {
    kind: 'gauge',
    unit: '{notification}',
    description: 'Dead letters in Redis; every notifier reports the same number',
    attributes: [],
    by: ['notifier'],
  },
  'dialhook.endpoint.trouble': {
    kind: 'gauge',
    unit: '{state}',
    description: '1 for each endpoint that is not healthy; every notifier reports the same',
    attributes: ['dialhook.endpoint', 'dialhook.endpoint_state'],
    by: ['notifier'],
  },
  'dialhook.queue.jobs': {
    kind: 'gauge',
    unit: '{job}',
    description:
      'BullMQ jobs, one for each call with notifications that wait for a retry; every notifier reports the same number',
    attributes: ['dialhook.job_state'],
    by: ['notifier'],
  },
  'dialhook.jetstream.messages': {
    kind: 'gauge',
    unit: '{message}',
    description:
      'Messages in a stream: progress events not acknowledged yet (DIALHOOK_PROGRESS), live calls (DIALHOOK_LIVE)',
    attributes: ['dialhook.stream'],
    by: ['agent', 'notifier'],
  },
  'dialhook.jetstream.fill': {
    kind: 'gauge',
    unit: '1',
    description: 'Used share of the max_bytes of a stream, 0 to 1',
    attributes: ['dialhook.stream'],
    by: ['agent', 'notifier'],
  },
  'dialhook.ready': {
    kind: 'gauge',
    unit: '{state}',
    description: '1 while a check of /readyz passes, else 0',
    attributes: ['dialhook.check'],
    by: ALL,
  },
  'process.cpu.time': {
    kind: 'observed counter',
    unit: 's',
    description: 'CPU time used by the process',
    attributes: ['cpu.mode'],
    by: ALL,
  },
  'process.memory.usage': {
    kind: 'gauge',
    unit: 'By',
    description: 'Resident memory of the process',
    attributes: [],
    by: ALL,
  },
  'process.uptime': {
    kind: 'gauge',
    unit: 's',
    description: 'Time since the process started',
    attributes: [],
    by: ALL,
  },
  'process.unix.file_descriptor.count': {
    kind: 'gauge',
    unit: '{file_descriptor}',
    description: 'Open file descriptors, mostly sockets; Linux only',
    attributes: [],
    by: ALL,
  },
  'v8js.memory.heap.used': {
    kind: 'gauge',
    unit: 'By',
    description: 'Memory used by JavaScript objects',
    attributes: [],
    by: ALL,
  },
  'v8js.gc.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Duration of garbage collection pauses',
    attributes: ['v8js.gc.type'],
    by: ALL,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  },
  'nodejs.eventloop.utilization': {
    kind: 'gauge',
    unit: '1',
    description: 'Share of time in which the event loop was busy since the last collection',
    attributes: [],
    by: ALL,
  },
  'nodejs.eventloop.delay.p99': {
    kind: 'gauge',
    unit: 's',
    description: 'Delay of timers, 99th percentile since the last collection',
    attributes: [],
    by: ALL,
  },
  'nodejs.eventloop.delay.max': {
    kind: 'gauge',
    unit: 's',
    description: 'Delay of timers, maximum since the last collection',
    attributes: [],
    by: ALL,
  },
} as const satisfies Record<string, Instrument>;

export type InstrumentName = keyof typeof INSTRUMENTS;
type Catalogue = typeof INSTRUMENTS;
export type NameOf<K extends Kind> = {
  [N in InstrumentName]: Catalogue[N]['kind'] extends K ? N : never;
}[InstrumentName];

type ValueOf<A extends AttributeName> = (typeof ATTRIBUTES)[A] extends { values: readonly (infer V)[] }
  ? V
  : string;
/** The attributes of a measurement. Only `error.type` is optional. */
export type AttributesOf<N extends InstrumentName> = {
  readonly [A in Exclude<Catalogue[N]['attributes'][number], 'error.type'>]: ValueOf<A>;
} & { readonly [A in Extract<Catalogue[N]['attributes'][number], 'error.type'>]?: ValueOf<A> | undefined };

export const catalogue: Readonly<Record<string, Instrument>> = INSTRUMENTS;

const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** The name of an attribute in Prometheus. */
export const prometheusLabel = (attribute: string): string => attribute.replaceAll(/[^A-Za-z0-9_]/g, '_');

/** The name of a metric in Prometheus by OpenTelemetry's compatibility rules: with the unit, without `_total`. */
export function prometheusName(name: string, unit: string, kind: Kind): string {
  const ratio = unit === '1' && kind === 'gauge' ? '_ratio' : '';
  return `${prometheusLabel(name)}${UNITS[unit] ?? ratio}`;
}
