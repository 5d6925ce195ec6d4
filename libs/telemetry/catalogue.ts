import { PHASES } from '#libs/contract/phases.ts';
import { RESULT_NAMES } from '#libs/contract/results.ts';

/** Every metric that Dialhook has: the instruments are made from this list, docs/metrics.md is written from it. */

export type Kind = 'counter' | 'histogram' | 'gauge' | 'observed counter';

export interface Instrument {
  readonly kind: Kind;
  /** UCUM, as OpenTelemetry has it. */
  readonly unit: string;
  readonly description: string;
  /** Names of ATTRIBUTES. */
  readonly attributes: readonly AttributeName[];
  readonly by: readonly ('agent' | 'router' | 'notifier')[];
  /** Upper bounds of a histogram's buckets. */
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
  /** Nobody has seen the call end. */
  unseen: ['UNKNOWN'],
  other: [],
} as const satisfies Record<string, readonly string[]>;
export type CauseClass = keyof typeof CAUSE_CLASSES;

const STATES = ['healthy', 'failing', 'throttled', 'off'];

/** What a metric can be broken down by, each with all values it can take; `open` says what bounds the rest. */
export const ATTRIBUTES = {
  'dialhook.node': { open: 'as many as there are FreeSWITCH nodes', description: 'the FreeSWITCH node' },
  'dialhook.endpoint': {
    open: 'METRICS_MAX_ENDPOINTS for each process; every further one is `other`',
    description: 'scheme, host and port of the endpoint; `none` where no URL could be read',
  },
  'dialhook.result': { values: RESULT_NAMES, description: 'how the decision ended' },
  'dialhook.cause_class': { values: Object.keys(CAUSE_CLASSES), description: 'what the hangup cause means' },
  'dialhook.answered': { values: ['true', 'false'], description: 'whether a called party answered' },
  'dialhook.action': {
    values: ['ring', 'progress', 'answer', 'hangup'],
    description: 'what the notification tells',
  },
  'dialhook.phase': {
    values: PHASES,
    description:
      'the phase of the HTTP request: waiting for a connection, DNS, TCP handshake, TLS handshake, until the first byte of the answer, until its last byte',
  },
  'dialhook.outcome': {
    values: ['delivered', 'retried', 'dead'],
    description: 'what an attempt at delivering came to',
  },
  'dialhook.reason': {
    values: ['gone', 'refused', 'refused_url', 'exhausted', 'endpoint_disabled'],
    description: 'why a notification was given up',
  },
  'dialhook.check': {
    open: 'the few checks of the service',
    description: 'a check of /readyz: `nats`, `freeswitch`, `live calls`, `redis`, `queue`, `reader`',
  },
  'dialhook.stream': {
    values: ['DIALHOOK_PROGRESS', 'DIALHOOK_LIVE'],
    description: 'a stream of JetStream',
  },
  'dialhook.endpoint_state': {
    values: STATES.slice(1),
    description: 'what notifiers know against an endpoint',
  },
  'dialhook.job_state': {
    values: ['waiting', 'active', 'delayed'],
    description: "a state of BullMQ's jobs",
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
    description: 'why a request failed; not there when it succeeded',
  },
  'http.request.method': { values: ['GET', 'POST'], description: 'the HTTP method' },
  'cpu.mode': { values: ['user', 'system'], description: 'where the CPU spent its time' },
  'v8js.gc.type': {
    values: ['minor', 'major', 'incremental', 'weakcb'],
    description: 'what kind of garbage collection',
  },
} as const satisfies Record<
  string,
  { description: string } & ({ values: readonly string[] } | { open: string })
>;
export type AttributeName = keyof typeof ATTRIBUTES;

const ALL = ['agent', 'router', 'notifier'] as const;
/** What a caller waits for: milliseconds to the longest sensible timeouts. */
const WAITS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10];
const RINGS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 10, 20, 30, 60];
const TALKS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];
/** From "at once" to the end of the retry schedule, a day. */
const LAGS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 300, 1800, 7200, 86_400];

export const INSTRUMENTS = {
  'dialhook.decisions': {
    kind: 'counter',
    unit: '{decision}',
    description: 'Calls handed over by `socket`, by how the decision ended',
    attributes: ['dialhook.result', 'dialhook.node', 'dialhook.endpoint'],
    by: ['agent'],
  },
  'dialhook.decision.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From the connection of `socket` to the word to FreeSWITCH: how long the caller waited',
    attributes: ['dialhook.node', 'dialhook.endpoint'],
    by: ['agent'],
    buckets: WAITS,
  },
  'dialhook.calls.in_flight': {
    kind: 'gauge',
    unit: '{call}',
    description: 'Calls being decided right now',
    attributes: [],
    by: ['agent', 'router'],
  },
  'dialhook.calls.active': {
    kind: 'gauge',
    unit: '{call}',
    description:
      'Calls in progress whose endpoint is told of them, as far as this agent knows; of two agents for a node each says it',
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.calls.ended': {
    kind: 'counter',
    unit: '{call}',
    description:
      'Calls that ended, each once however many agents a node has; calls with notify type 0 are not told',
    attributes: ['dialhook.node', 'dialhook.cause_class', 'dialhook.answered'],
    by: ['agent'],
  },
  'dialhook.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From the answer to the end of calls that were answered',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: TALKS,
  },
  'dialhook.call.post_dial_delay': {
    kind: 'histogram',
    unit: 's',
    description: 'From the INVITE to the first 180 or 183 of a called party',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: RINGS,
  },
  'dialhook.event_socket.up': {
    kind: 'gauge',
    unit: '{state}',
    description: "1 while the agent is logged in to its node's event socket, else 0",
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.event_socket.lag': {
    kind: 'histogram',
    unit: 's',
    description:
      "From FreeSWITCH's time stamp of an event to the agent's reading it; clocks that differ show here",
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: WAITS,
  },
  'dialhook.notifications.published': {
    kind: 'counter',
    unit: '{notification}',
    description: 'Notifications that JetStream has, each once',
    attributes: ['dialhook.node', 'dialhook.action'],
    by: ['agent'],
  },
  'dialhook.notifications.buffered': {
    kind: 'gauge',
    unit: '{notification}',
    description: 'Notifications that JetStream has not taken yet',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.notifications.dropped': {
    kind: 'observed counter',
    unit: '{notification}',
    description: 'Notifications dropped because too much was held: they are lost',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.live_calls.buffered': {
    kind: 'gauge',
    unit: '{write}',
    description: 'Writes and deletions of live calls that JetStream has not taken yet',
    attributes: [],
    by: ['agent'],
  },
  'dialhook.live_calls.dropped': {
    kind: 'observed counter',
    unit: '{write}',
    description: 'Live calls not remembered because too much was held',
    attributes: [],
    by: ['agent'],
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Requests to endpoints: decisions by routers, notifications by notifiers',
    attributes: ['http.request.method', 'dialhook.endpoint', 'error.type'],
    by: ['router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.endpoint.phase.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'The same by phase; what did not happen, as on a connection that was kept alive, is left out',
    attributes: ['dialhook.endpoint', 'dialhook.phase'],
    by: ['router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.breaker.state': {
    kind: 'gauge',
    unit: '{state}',
    description: "An endpoint's circuit breaker in this router: 0 closed, 1 half open, 2 open",
    attributes: ['dialhook.endpoint'],
    by: ['router'],
  },
  'dialhook.notification.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'Attempts at delivering a notification',
    attributes: ['dialhook.endpoint', 'dialhook.outcome'],
    by: ['notifier'],
  },
  'dialhook.notification.lag': {
    kind: 'histogram',
    unit: 's',
    description: "From FreeSWITCH's event to its delivery",
    attributes: ['dialhook.endpoint'],
    by: ['notifier'],
    buckets: LAGS,
  },
  'dialhook.dead_letters.kept': {
    kind: 'counter',
    unit: '{notification}',
    description: 'Notifications given up',
    attributes: ['dialhook.endpoint', 'dialhook.reason'],
    by: ['notifier'],
  },
  'dialhook.dead_letters': {
    kind: 'gauge',
    unit: '{notification}',
    description: 'Dead letters in Redis; every notifier says it',
    attributes: [],
    by: ['notifier'],
  },
  'dialhook.endpoint.trouble': {
    kind: 'gauge',
    unit: '{state}',
    description: '1 for an endpoint that notifiers know something against; every notifier says it',
    attributes: ['dialhook.endpoint', 'dialhook.endpoint_state'],
    by: ['notifier'],
  },
  'dialhook.queue.jobs': {
    kind: 'gauge',
    unit: '{job}',
    description:
      'Jobs of BullMQ, one for each call with something that was not delivered at once; every notifier says it',
    attributes: ['dialhook.job_state'],
    by: ['notifier'],
  },
  'dialhook.jetstream.messages': {
    kind: 'gauge',
    unit: '{message}',
    description:
      'Messages in a stream: of DIALHOOK_PROGRESS those no notifier has taken, of DIALHOOK_LIVE the calls up',
    attributes: ['dialhook.stream'],
    by: ['agent', 'notifier'],
  },
  'dialhook.jetstream.fill': {
    kind: 'gauge',
    unit: '1',
    description: 'Share of its max_bytes that a stream has used, 0 to 1',
    attributes: ['dialhook.stream'],
    by: ['agent', 'notifier'],
  },
  'dialhook.ready': {
    kind: 'gauge',
    unit: '{state}',
    description: '1 while a check of /readyz is fine, else 0',
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
    description: 'How long the process has been running',
    attributes: [],
    by: ALL,
  },
  'process.unix.file_descriptor.count': {
    kind: 'gauge',
    unit: '{file_descriptor}',
    description: 'Open file descriptors, sockets above all; Linux only',
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
    description: 'Pauses for garbage collection',
    attributes: ['v8js.gc.type'],
    by: ALL,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  },
  'nodejs.eventloop.utilization': {
    kind: 'gauge',
    unit: '1',
    description: 'Share of the time in which the event loop was busy, since it was last read',
    attributes: [],
    by: ALL,
  },
  'nodejs.eventloop.delay.p99': {
    kind: 'gauge',
    unit: 's',
    description: 'How late timers fire, 99th percentile since it was last read',
    attributes: [],
    by: ALL,
  },
  'nodejs.eventloop.delay.max': {
    kind: 'gauge',
    unit: 's',
    description: 'The same, the latest',
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
/** What a measurement must say. Only `error.type` may be left out. */
export type AttributesOf<N extends InstrumentName> = {
  readonly [A in Exclude<Catalogue[N]['attributes'][number], 'error.type'>]: ValueOf<A>;
} & { readonly [A in Extract<Catalogue[N]['attributes'][number], 'error.type'>]?: ValueOf<A> | undefined };

export const catalogue: Readonly<Record<string, Instrument>> = INSTRUMENTS;

const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** An attribute's name in Prometheus. */
export const prometheusLabel = (attribute: string): string => attribute.replaceAll(/[^A-Za-z0-9_]/g, '_');

/** A metric's name in Prometheus, as OpenTelemetry's compatibility rules have it: with its unit, without `_total`. */
export function prometheusName(name: string, unit: string, kind: Kind): string {
  const ratio = unit === '1' && kind === 'gauge' ? '_ratio' : '';
  return `${prometheusLabel(name)}${UNITS[unit] ?? ratio}`;
}
