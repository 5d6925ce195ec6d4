/**
 * Every log line that a service can write: its code, its text and what an operator can conclude from it. The code is
 * stable and is the field `event` of the line; the text is for people and may change. docs/log-events.md is generated
 * from this list.
 */
interface LogEventInfo {
  /** The services that write it; `all` for every service. */
  readonly by: readonly ('agent' | 'router' | 'notifier' | 'console' | 'all')[];
  /** The field `message` of the line. */
  readonly message: string;
  /** When it is written, and what an operator should do, if anything. */
  readonly description: string;
}

export const LOG_EVENTS = {
  'service.started': {
    by: ['all'],
    message: 'service started',
    description: 'The service serves its health port (`health_port`).',
  },
  'service.stopping': {
    by: ['all'],
    message: 'service is stopping',
    description: 'SIGTERM or SIGINT was received (`signal`).',
  },
  'service.stop_step_failed': {
    by: ['all'],
    message: 'a shutdown step failed',
    description: 'The other steps still run. `step` names the failed one.',
  },
  'service.stop_timeout': {
    by: ['all'],
    message: 'shutdown deadline reached',
    description: 'STOP_DEADLINE_MS has passed while `step` was running; the process exits.',
  },
  'service.uncaught_exception': {
    by: ['all'],
    message: 'uncaught exception',
    description: 'A bug. The process stops with exit code 1; report the stack trace.',
  },
  'service.unhandled_rejection': {
    by: ['all'],
    message: 'unhandled promise rejection',
    description: 'A bug. The process stops with exit code 1; report the stack trace.',
  },
  'network.connection_refused': {
    by: ['all'],
    message: 'connection refused',
    description:
      'A limit or an address rule of the port refused a connection; `reason` says which. `refused` counts them.',
  },
  'nats.connect_failed': {
    by: ['all'],
    message: 'no NATS connection yet, retrying',
    description: 'Written once for each different error at startup.',
  },
  'nats.certificate_refused': {
    by: ['all'],
    message: 'certificate of a NATS server refused',
    description:
      'It is for none of the names in NATS_URL or announced by the cluster; `err` names it. The service tries the other servers. Written once for each error.',
  },
  'nats.jetstream_missing': {
    by: ['agent', 'notifier'],
    message: 'JetStream does not answer',
    description:
      'Calls are decided, but no notification is stored or delivered. `error` says what to check: JetStream of the servers and the account, or NATS_JETSTREAM_DOMAIN. Written at startup, once for each different error.',
  },
  'nats.jetstream_found': {
    by: ['agent', 'notifier'],
    message: 'JetStream answers',
    description: 'After nats.jetstream_missing.',
  },
  'nats.connection_lost': {
    by: ['all'],
    message: 'NATS connection lost',
    description: 'The client reconnects by itself.',
  },
  'nats.reconnected': {
    by: ['all'],
    message: 'NATS connection restored',
    description: 'After nats.connection_lost.',
  },
  'nats.server_error': {
    by: ['all'],
    message: 'NATS server reports an error',
    description: 'For example a missing permission for a subject.',
  },
  'nats.subscription_failed': {
    by: ['all'],
    message: 'NATS subscription failed',
    description: '`err` gives the reason. Check the permissions of the NATS user.',
  },
  'nats.message_ignored': {
    by: ['all'],
    message: 'ignored an invalid NATS message',
    description: 'The message does not match its schema; `err` names the subject and the field.',
  },
  'redis.connected': {
    by: ['notifier', 'console'],
    message: 'Redis connection restored',
    description: 'After redis.connection_lost.',
  },
  'redis.connection_lost': {
    by: ['notifier', 'console'],
    message: 'Redis connection lost',
    description: 'The client reconnects by itself.',
  },
  'redis.error': {
    by: ['notifier', 'console'],
    message: 'Redis client error',
    description: 'Each failed connection attempt, at level debug.',
  },
  'redis.writes_refused': {
    by: ['notifier'],
    message: 'Redis refuses writes',
    description:
      'Redis is full, read-only or cannot save. Notifications stay in JetStream until it accepts writes.',
  },
  'redis.writes_accepted': {
    by: ['notifier'],
    message: 'Redis accepts writes again',
    description: 'After redis.writes_refused.',
  },

  'freeswitch.connected': {
    by: ['agent'],
    message: 'event socket connected',
    description: 'The agent is logged in to FreeSWITCH and subscribed to its events.',
  },
  'freeswitch.disconnected': {
    by: ['agent'],
    message: 'event socket not connected, retrying',
    description: 'Calls are still decided; notifications wait for the event socket or are recovered later.',
  },
  'freeswitch.event_invalid': {
    by: ['agent'],
    message: 'ignored an invalid FreeSWITCH event',
    description: 'One event could not be parsed.',
  },
  'socket.refusing': {
    by: ['agent'],
    message: 'refusing calls',
    description:
      'The agent is disconnected from NATS: FreeSWITCH tries its next host, or the dialplan continues. socket.listening follows. See ACCEPT_WITHOUT_NATS.',
  },
  'freeswitch.event_refused': {
    by: ['agent'],
    message: 'FreeSWITCH refused an event',
    description:
      'FREESWITCH_USER is not allowed to receive the event `name`. Add it to `esl-allowed-events`; without CHANNEL_BRIDGE, transfers with consultation and pickups are reported late or without details.',
  },
  'socket.listening': {
    by: ['agent'],
    message: 'listening for calls',
    description: "The agent accepts connections of FreeSWITCH's socket application on `host`:`port`.",
  },
  'socket.connection_failed': {
    by: ['agent'],
    message: 'socket connection failed',
    description: 'One connection of the socket application ended with an error.',
  },
  'call.decided': {
    by: ['agent', 'router'],
    message: 'call decided',
    description:
      'The agent carried the decision out; the router received it from the endpoint. `ms` is the time it took.',
  },
  'call.not_decided': {
    by: ['agent', 'router'],
    message: 'call not decided',
    description: 'The dialplan continues. `result` and `error` say why.',
  },
  'call.failed': {
    by: ['agent'],
    message: 'decision could not be carried out',
    description: 'FreeSWITCH refused a command or the connection broke; the dialplan continues.',
  },
  'call.control': {
    by: ['agent', 'console'],
    message: 'audit',
    description: 'An operator used the console: `who` did `what`. `audit` is true.',
  },
  'control.start_failed': {
    by: ['agent'],
    message: 'call control not started',
    description: 'Operators cannot hang up or transfer calls of this node until the next reconnect.',
  },
  'notification.published': {
    by: ['agent'],
    message: 'notification published',
    description: 'JetStream has stored the notification.',
  },
  'notification.publish_failed': {
    by: ['agent'],
    message: 'notification not published, retrying',
    description: 'JetStream did not accept it; `buffered` notifications wait in the agent.',
  },
  'notification.dropped': {
    by: ['agent'],
    message: 'notification dropped, buffer full',
    description: 'MAX_BUFFERED_NOTIFICATIONS is reached. `dropped` counts them.',
  },
  'live_call.dropped': {
    by: ['agent'],
    message: 'live call not stored, buffer full',
    description:
      'MAX_BUFFERED_LIVE_CALLS is reached. If this call ends unseen, its hangup is not synthesized.',
  },
  'live_call.write_failed': {
    by: ['agent'],
    message: 'live calls not written, retrying',
    description: 'JetStream did not accept them; `buffered` entries wait in the agent.',
  },
  'live_call.reconciled': {
    by: ['agent'],
    message: 'live calls reconciled',
    description: 'At level debug, after each comparison with FreeSWITCH.',
  },
  'live_call.reconcile_failed': {
    by: ['agent'],
    message: 'live calls not reconciled, retrying',
    description: 'FreeSWITCH or JetStream did not answer.',
  },
  'live_call.closed_early': {
    by: ['agent'],
    message: 'a call that was closed is still up',
    description:
      'An event of a call came after its synthesized hangup: the hangup was wrong, and the real one is not sent. Raise RECONCILE_RESTART_WAIT_MS if FreeSWITCH recovers calls (`sofia recover`) later than that.',
  },
  'live_call.restart_wait': {
    by: ['agent'],
    message: 'FreeSWITCH was restarted, waiting before calls are closed',
    description:
      'No synthesized hangup is sent for `ms`, so that `sofia recover` can bring calls back (RECONCILE_RESTART_WAIT_MS).',
  },
  'live_call.uptime_unknown': {
    by: ['agent'],
    message: 'the uptime of FreeSWITCH is not known',
    description:
      'FREESWITCH_USER is not allowed to run `uptime`, so RECONCILE_RESTART_WAIT_MS has no effect.',
  },
  'live_call.closed': {
    by: ['agent'],
    message: 'hangups synthesized for calls that ended unseen',
    description: '`closed` calls had no channel in FreeSWITCH and no hangup.',
  },

  'request.failed': {
    by: ['router'],
    message: 'decision request failed',
    description: 'A bug in the router or an invalid message; the agent gets internal_error.',
  },
  'request.expired': {
    by: ['router'],
    message: 'decision request dropped, the agent stopped waiting',
    description: 'The router is overloaded. `dropped` counts them.',
  },
  'endpoint.warmup_failed': {
    by: ['router'],
    message: 'connection not opened in advance',
    description: 'An endpoint of WARM_ENDPOINTS could not be reached at startup.',
  },

  'stream.partitions': {
    by: ['notifier'],
    message: 'number of read partitions changed',
    description: 'This notifier reads `partitions`; all `notifiers` share the partitions of the stream.',
  },
  'stream.read_failed': {
    by: ['notifier'],
    message: 'partition not read, retrying',
    description:
      'Reading starts again at the oldest unacknowledged message. Logged once for each new error, whatever the number of partitions.',
  },
  'stream.message_invalid': {
    by: ['notifier'],
    message: 'removed an invalid progress event',
    description: 'Message `seq` of the stream does not match its schema.',
  },
  'stream.lease_failed': {
    by: ['notifier'],
    message: 'partition leases not renewed, retrying',
    description: 'Redis did not answer or refused it. Another notifier may take the partitions.',
  },
  'stream.lease_error': {
    by: ['notifier'],
    message: 'partition lease not released',
    description: 'At level debug. It expires by itself.',
  },
  'stream.created': {
    by: ['notifier'],
    message: 'streams exist',
    description: 'Written by deploy/nats/make-streams.ts when every stream and consumer exists.',
  },
  'timeline.stream_failed': {
    by: ['notifier'],
    message: 'timeline stream not created',
    description: 'Notifications are delivered; the console shows no timelines until the stream exists.',
  },
  'timeline.step_invalid': {
    by: ['console'],
    message: 'ignored an invalid timeline step',
    description: 'At level debug.',
  },
  'timeline.read_failed': {
    by: ['console'],
    message: 'timeline not read, retrying',
    description: 'The console shows no new steps until JetStream answers.',
  },
  'notification.delivered': {
    by: ['notifier'],
    message: 'notification delivered',
    description: 'The endpoint answered 2xx.',
  },
  'notification.failed': {
    by: ['notifier'],
    message: 'notification not delivered',
    description:
      '`retry_in_ms` is the time until the next attempt; without it the notification becomes a dead letter.',
  },
  'notification.dead': {
    by: ['notifier'],
    message: 'notification is a dead letter',
    description: 'It will not be retried; `reason` says why. Replay it with `dialhook dead-letters replay`.',
  },
  'notification.late': {
    by: ['notifier'],
    message: 'notification dropped, a later one was already sent',
    description: 'It arrived after a later notification of its call, `action` says which kind it is.',
  },
  'notification.wake_failed': {
    by: ['notifier'],
    message: 'retry job not woken',
    description: 'JetStream redelivers the progress event.',
  },
  'delivery.failed': {
    by: ['notifier'],
    message: 'delivery for a call failed, retrying',
    description: 'An error in Redis or a bug; the call is retried.',
  },
  'delivery.recovered': {
    by: ['notifier'],
    message: 'recovered a call from a stalled worker',
    description: 'A notifier died while it delivered for this call.',
  },
  'endpoint.enabled': {
    by: ['notifier'],
    message: 'endpoint enabled',
    description: 'A probe succeeded; the endpoint receives notifications again.',
  },
  'endpoint.disabled': {
    by: ['notifier'],
    message: 'endpoint disabled',
    description:
      'Every attempt has failed for ENDPOINT_DISABLE_AFTER_MS. `dialhook endpoints enable URL` enables it.',
  },
  'queue.error': {
    by: ['notifier'],
    message: 'BullMQ reports an error',
    description: 'Connection errors are reported as redis.connection_lost.',
  },
  'queue.worker_restarted': {
    by: ['notifier'],
    message: 'BullMQ worker restarted',
    description: 'No job, not even a canary, was processed for `silent_ms`.',
  },
  'dead_letters.trimmed': {
    by: ['notifier'],
    message: 'dead letters dropped',
    description: 'DEAD_LETTER_MAX or DEAD_LETTER_MAX_AGE_MS is exceeded.',
  },
  'dead_letters.trim_failed': {
    by: ['notifier'],
    message: 'dead letters not trimmed, retrying',
    description: 'Redis did not answer.',
  },

  'console.listening': {
    by: ['console'],
    message: 'console listening',
    description: 'The page and the API are served on `host`:`port`.',
  },
  'console.request_failed': {
    by: ['console'],
    message: 'console request failed',
    description: 'A bug; the client got status 500.',
  },
} as const satisfies Record<string, LogEventInfo>;

/** The field `event` of a log line. */
export type LogEvent = keyof typeof LOG_EVENTS;
