import { z } from 'zod';
import { EndpointRequest, Notification } from './endpoint.ts';
import { RESULT_NAMES } from './results.ts';
import { Milliseconds } from './scalars.ts';
import { CallId } from './text.ts';

/**
 * One recorded step of a call, as the services publish it for the console on `dialhook.timeline.UUID`. The timeline of a
 * call is all of its steps, ordered by `time`. Steps are published without acknowledgement and dropped while NATS
 * is disconnected: never decide or bill by them.
 */

const step = {
  v: z.literal(1),
  uuid: CallId.describe('uuid of the call'),
  node: z.string().describe('name of the FreeSWITCH node'),
  by: z.string().describe('the service that published the step, as SERVICE@INSTANCE'),
  /** With three digits of a second, so that text order is the order of time. */
  time: z.iso.datetime({ precision: 3 }).describe('time of the step, UTC'),
};

/** Scheme, host, port and path: userinfo and query are removed because they may hold secrets. */
const Endpoint = z.string().describe('endpoint URL without userinfo and query');

const Received = z
  .strictObject({
    step: z.literal('received'),
    ...step,
    endpoint: Endpoint.optional(),
    notify: z
      .literal(false)
      .optional()
      .describe('the call has no notifications (notify type 0), so that its end is not recorded'),
    request: EndpointRequest,
  })
  .describe('the agent received the call and sends this request; once for each attempt');

export const Phases = z
  .strictObject({
    queue_ms: Milliseconds.optional().describe('waiting for a free connection'),
    dns_ms: Milliseconds.optional().describe('resolving the host name'),
    connect_ms: Milliseconds.optional().describe('opening the TCP connection'),
    tls_ms: Milliseconds.optional().describe('TLS handshake'),
    ttfb_ms: Milliseconds.optional().describe('from the written request to the response headers'),
    body_ms: Milliseconds.optional().describe('from the response headers to the last byte of the body'),
  })
  .describe('duration of each phase of the HTTP request, ms; a phase that did not happen is absent');
export type Phases = z.output<typeof Phases>;

const Requested = z
  .strictObject({
    step: z.literal('requested'),
    ...step,
    endpoint: Endpoint,
    fallback: z.boolean().describe('true for the fallback URL'),
    result: z.enum(RESULT_NAMES),
    error: z.string().optional(),
    status: z.number().int().optional().describe('HTTP status'),
    answer: z.string().max(4096).optional().describe('response body, cut after 4,096 characters'),
    cache: z
      .strictObject({
        outcome: z
          .enum(['hit', 'stale'])
          .describe('hit: used without a request; stale: used because the request failed'),
        age_ms: Milliseconds.describe('since the answer of the endpoint'),
      })
      .optional()
      .describe('the decision came from the cache of the router: no request was sent in this step'),
    not_cached: z
      .string()
      .optional()
      .describe('why the decision is not cached although its Cache-Control allows it'),
    ms: Milliseconds,
    phases: Phases,
  })
  .describe('a router sent the request to an endpoint, once for each, or used a cached decision');

const Decided = z
  .strictObject({
    step: z.literal('decided'),
    ...step,
    result: z.enum(RESULT_NAMES),
    error: z.string().optional(),
    ms: Milliseconds.describe('from the connection of `socket` to the last command sent to FreeSWITCH'),
    applications: z.array(z.string()).describe('the applications sent to FreeSWITCH, in order'),
  })
  .describe('the agent sent the decision to FreeSWITCH, or there is none and the dialplan continues');

const Published = z
  .strictObject({ step: z.literal('published'), ...step, notification: Notification })
  .describe('JetStream stored the notification of a FreeSWITCH event');

const Attempted = z
  .strictObject({
    step: z.literal('attempted'),
    ...step,
    notification: z.string().describe('id of the notification'),
    endpoint: Endpoint,
    attempt: z.number().int().positive(),
    outcome: z.enum(['delivered', 'retried', 'dead']),
    status: z.number().int().optional().describe('HTTP status'),
    error: z.string().optional(),
    ms: Milliseconds,
    retry_in_ms: Milliseconds.optional(),
  })
  .describe('a notifier made one attempt to deliver a notification');

export const TimelineStep = z.discriminatedUnion('step', [
  Received,
  Requested,
  Decided,
  Published,
  Attempted,
]);
export type TimelineStep = z.output<typeof TimelineStep>;
