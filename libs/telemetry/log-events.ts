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
  'service.task_failed': {
    by: ['all'],
    message: 'a background task failed',
    description: 'A bug. `task` names it; the process continues without it. Report the stack trace.',
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
  'systemd.not_notified': {
    by: ['all'],
    message: 'systemd was not notified',
    description:
      'NOTIFY_SOCKET is set, but the shell that runs systemd-notify does not run (`err`). It is started again for the next report; without reports systemd restarts the service after WatchdogSec.',
  },
  'entry.set_aside': {
    by: ['all'],
    message: 'an entry cannot be processed and was set aside',
    description:
      'One call, event, message, job or key (`entry` says which) that cannot be processed, with its identity and the reason. It is not retried; everything else is processed. At most 20 lines per kind and minute; dialhook_entries_set_aside counts all. Report the line if the entry is not from a stranger.',
  },
  'network.connection_refused': {
    by: ['all'],
    message: 'connection refused',
    description:
      'A limit or an address rule of the port refused a connection, or the peer was not FreeSWITCH, for example `dialhook doctor`; `reason` says which. `refused` counts them.',
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
  'nats.server_old': {
    by: ['agent', 'notifier'],
    message: 'this nats-server loses messages of replicated streams',
    description:
      'A setting ..._REPLICAS is above 1 and the server is older than `wanted`: after a change of leaders, messages that it has acknowledged may not be delivered. Upgrade the servers. Written once for each version.',
  },
  'nats.server_silent': {
    by: ['agent'],
    message: 'the NATS server does not answer, leaving it',
    description:
      'No router has accepted a request, and `server` has not answered a ping within `ms`. The agent connects to another server.',
  },
  'nats.connection_lost': {
    by: ['all'],
    message: 'NATS connection lost',
    description: 'The client reconnects by itself.',
  },
  'nats.reconnect_failed': {
    by: ['all'],
    message: 'no NATS server accepts the connection, retrying',
    description:
      '3 s after nats.connection_lost and later, once for each different `error`, which names the servers: for example a certificate of an unknown authority, a refused login or a name that does not resolve.',
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
      'The agent carried the decision out; the router received it from the endpoint. `ms` is the time it took. An agent with an embedded router writes one line with the fields of both.',
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
  'call.repeated_uuid': {
    by: ['agent'],
    message: 'call with the uuid of a live call refused',
    description:
      'With inbound-use-callid-as-uuid a caller has sent the Call-ID of a live call, or one that FreeSWITCH writes like it (ARRAY::). The result is repeated_uuid, no request is made, and the dialplan continues. See docs/security.md.',
  },
  'redirect.refused': {
    by: ['agent'],
    message: 'redirect of a target not followed',
    description:
      'The decision says on_redirect: follow, and REDIRECT_ALLOWED_HOSTS does not have the host, or the address has no number that can be dialled. The target has failed.',
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
    description:
      'JetStream did not accept it; `buffered` notifications wait in the agent. Written once until notification.publish_restored.',
  },
  'notification.publish_restored': {
    by: ['agent'],
    message: 'notifications are published again',
    description:
      'After notification.publish_failed: `failures` in `ms`. `buffered` notifications still wait.',
  },
  'notification.dropped': {
    by: ['agent'],
    message: 'notification dropped, buffer full',
    description: 'MAX_BUFFERED_NOTIFICATIONS is reached. `dropped` counts them.',
  },
  'gateway.resting': {
    by: ['agent'],
    message: 'a gateway rests after failures',
    description:
      'The gateway (`gateway`) has failed `failures` times in a row, last with `cause` and `status`. For `ms` its targets are tried last. Check the gateway.',
  },
  'limit.reached': {
    by: ['agent'],
    message: 'a limit is reached',
    description:
      'A call found a limit (`limit`) reached: `bound` is max (calls at once) or rate (calls per second). The targets that need it are skipped; with a named limit no target is dialled.',
  },
  'limit.unchecked': {
    by: ['agent'],
    message: 'a call could not be counted towards its limit in time',
    description:
      'JetStream has not answered within 500 ms. `effect` is LIMITS_ON_OUTAGE: the call was placed (admit) or not (refuse).',
  },
  'limit.place_dropped': {
    by: ['agent'],
    message: 'dropped a change of a limit',
    description:
      'JetStream accepts no messages and MAX_BUFFERED_LIVE_CALLS changes are buffered. The calls are not counted, or longer than they last.',
  },
  'limit.write_failed': {
    by: ['agent'],
    message: 'JetStream does not accept changes of limits',
    description: 'They are buffered and retried; see LIMITS_ON_OUTAGE for calls that come meanwhile.',
  },
  'limit.write_restored': {
    by: ['agent'],
    message: 'JetStream accepts changes of limits again',
    description: 'The buffered changes are being written.',
  },
  'limit.read_failed': {
    by: ['agent'],
    message: 'the limits cannot be read',
    description:
      'The stream DIALHOOK_LIMITS cannot be read, or the user has no permission for it. The agent retries every second; calls are handled by LIMITS_ON_OUTAGE.',
  },
  'limit.cleanup_failed': {
    by: ['agent'],
    message: 'messages of freed places cannot be deleted',
    description:
      'They fill the stream DIALHOOK_LIMITS; when it is full, no call is counted. Without the permission for $JS.API.STREAM.MSG.DELETE.DIALHOOK_LIMITS: give it to the user of the agents (deploy/nats/nats.conf). Otherwise the agent tries again.',
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
    description:
      'JetStream did not accept them; `buffered` entries wait in the agent. Written once until live_call.write_restored.',
  },
  'live_call.write_restored': {
    by: ['agent'],
    message: 'live calls are written again',
    description: 'After live_call.write_failed: `failures` in `ms`.',
  },
  'sound.unknown': {
    by: ['agent'],
    message: 'a decision names a sound that is not configured',
    description:
      'The call continues without the sound. `sound` is its name; add it to the setting that `setting` names, or correct the endpoint.',
  },
  'live_call.reconciled': {
    by: ['agent'],
    message: 'live calls reconciled',
    description: 'At level debug, after each reconciliation with FreeSWITCH.',
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
    by: ['router', 'agent'],
    message: 'decision request failed',
    description: 'A bug in the router or an invalid message; the call gets internal_error.',
  },
  'request.stale': {
    by: ['router'],
    message: 'dropped a request that was delayed on its way',
    description:
      'It came `delay_ms` later than others of its agent, which has sent it to another router meanwhile. A NATS server or this router was suspended or overloaded. `dropped` counts them.',
  },
  'request.expired': {
    by: ['router', 'agent'],
    message: 'decision request dropped, the agent stopped waiting',
    description: 'The router is overloaded. `dropped` counts them.',
  },
  'endpoint.warmup_failed': {
    by: ['router', 'agent'],
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
      'A partition could not be read, or NATS was disconnected. Reading starts again at the oldest unacknowledged message. Written once until stream.read_restored, whatever the number of partitions and retries.',
  },
  'stream.read_restored': {
    by: ['notifier'],
    message: 'all partitions are read again',
    description: 'After stream.read_failed: `failures` in `ms`.',
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
  'delivery.claim_lost': {
    by: ['notifier'],
    message: 'attempt not counted, the claim of its call has expired',
    description:
      'The attempt took longer than the claim, for example because the notifier was suspended. The endpoint gets one attempt more than the schedule has.',
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
  'queue.jobs_lost': {
    by: ['notifier'],
    message: 'retry jobs were lost and are queued again',
    description:
      'Redis has lost jobs, or another program has changed the keys of the retry queue. The notifications of `calls` calls are attempted now.',
  },
  'queue.repair_failed': {
    by: ['notifier'],
    message: 'retry queue not checked, retrying',
    description: 'Redis did not answer, or refused a command.',
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
