import type { ATTRIBUTES, AttributeName } from './attributes.ts';

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
  'dialhook.requests.hedged': {
    kind: 'counter',
    unit: '{request}',
    description:
      'Further copies of decision requests, sent because no router had accepted the request within HEDGE_AFTER_MS',
    attributes: [],
    by: ['agent'],
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
    description: 'Time from the INVITE of the caller to the first 180 or 183 of a called leg',
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
  'dialhook.limit.used': {
    kind: 'gauge',
    unit: '{call}',
    description:
      'Calls that count towards a limit of LIMITS now, of all nodes; for gw:*, towards those of up to 100 gateways. Every agent reports the same: use max, not sum',
    attributes: ['dialhook.limit'],
    by: ['agent'],
  },
  'dialhook.limit.max': {
    kind: 'gauge',
    unit: '{call}',
    description: 'Most calls at once of a limit of LIMITS',
    attributes: ['dialhook.limit'],
    by: ['agent'],
  },
  'dialhook.limit.places': {
    kind: 'counter',
    unit: '{place}',
    description: 'Places that calls of the node wanted of their limits, by verdict',
    attributes: ['dialhook.node', 'dialhook.limit', 'dialhook.verdict'],
    by: ['agent'],
  },
  'dialhook.limit.wait': {
    kind: 'histogram',
    unit: 's',
    description: 'Time from the decision until a call has its places, of calls that need JetStream for them',
    attributes: ['dialhook.node'],
    by: ['agent'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  },
  'dialhook.gateway.resting': {
    kind: 'gauge',
    unit: '{gateway}',
    description: 'Gateways of the node that have failed last: 1 rests and is tried last, 0 does not',
    attributes: ['dialhook.node', 'dialhook.gateway'],
    by: ['agent'],
  },
  'dialhook.gateway.rests': {
    kind: 'counter',
    unit: '{rest}',
    description: 'Rests of gateways, each after RESTING_GATEWAYS failures in a row',
    attributes: ['dialhook.node'],
    by: ['agent'],
  },
  'dialhook.sounds.unknown': {
    kind: 'counter',
    unit: '{sound}',
    description: 'Sounds and ringbacks that a decision names and SOUNDS or RINGBACKS does not have',
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
      'Duration of requests to endpoints: decision requests of routers and embedded routers, notifications of notifiers',
    attributes: ['http.request.method', 'dialhook.endpoint', 'error.type'],
    by: ['agent', 'router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.endpoint.phase.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of each phase of these requests; a phase that did not happen, for example `connect` on a kept-alive connection, is not counted',
    attributes: ['dialhook.endpoint', 'dialhook.phase'],
    by: ['agent', 'router', 'notifier'],
    buckets: WAITS,
  },
  'dialhook.breaker.state': {
    kind: 'gauge',
    unit: '{state}',
    description:
      'State of the circuit breaker of an endpoint in this router or embedded router: 0 closed, 1 half open, 2 open',
    attributes: ['dialhook.endpoint'],
    by: ['agent', 'router'],
  },
  'dialhook.decision_cache.lookups': {
    kind: 'counter',
    unit: '{request}',
    description: 'First requests of calls to endpoints in DECISION_CACHE_ENDPOINTS',
    attributes: ['dialhook.cache', 'dialhook.endpoint'],
    by: ['agent', 'router'],
  },
  'dialhook.decision_cache.size': {
    kind: 'gauge',
    unit: '{decision}',
    description:
      'Decisions in the cache of this router or embedded router, also those that may not be used any more',
    attributes: [],
    by: ['agent', 'router'],
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
  'dialhook.queue.jobs_lost': {
    kind: 'counter',
    unit: '{call}',
    description: 'Calls whose retry job was lost in Redis and queued again, see QUEUE_CHECK_INTERVAL_MS',
    attributes: [],
    by: ['notifier'],
  },
  'dialhook.jetstream.messages': {
    kind: 'gauge',
    unit: '{message}',
    description:
      'Messages in a stream: progress events not acknowledged yet (DIALHOOK_PROGRESS), live calls (DIALHOOK_LIVE), places of limits (DIALHOOK_LIMITS)',
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
  'dialhook.entries.set_aside': {
    kind: 'counter',
    unit: '{entry}',
    description:
      'Poison entries: calls, events, messages and jobs that cannot be processed and are not retried',
    attributes: ['dialhook.entry'],
    by: ALL,
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
