import { z } from 'zod';
import { EndpointRequest, Notification } from './endpoint.ts';
import { RESULT_NAMES } from './results.ts';

/**
 * What the services tell of a call for those who look at it: published after the fact and never waited for. The timeline
 * of a call is all of its steps, in the order of their `time`. Nothing that decides or bills rests on it.
 */

const Milliseconds = z.number().nonnegative();

const step = {
  v: z.literal(1),
  uuid: z.string().describe("the call's uuid"),
  node: z.string().describe('the name of the FreeSWITCH node'),
  by: z.string().describe('the service that tells, as SERVICE@INSTANCE'),
  time: z.iso.datetime().describe('when it happened, UTC'),
};

/** Scheme, host, port and path: neither userinfo nor query, which may hold secrets. */
const Endpoint = z.string().describe('the endpoint, without userinfo and query');

const Taken = z
  .strictObject({
    step: z.literal('taken'),
    ...step,
    endpoint: Endpoint.optional(),
    request: EndpointRequest,
  })
  .describe('the agent has the call in hand and asks where it goes; once for each attempt');

export const Phases = z
  .strictObject({
    queue_ms: Milliseconds.optional().describe('for a free connection'),
    dns_ms: Milliseconds.optional(),
    connect_ms: Milliseconds.optional(),
    tls_ms: Milliseconds.optional(),
    ttfb_ms: Milliseconds.optional().describe('from the written request to the head of the answer'),
    body_ms: Milliseconds.optional().describe('from the head of the answer to its last byte'),
  })
  .describe('where the time went; what did not happen is left out');
export type Phases = z.output<typeof Phases>;

const Asked = z
  .strictObject({
    step: z.literal('asked'),
    ...step,
    endpoint: Endpoint,
    fallback: z.boolean().describe('whether this is the fallback URL'),
    result: z.enum(RESULT_NAMES),
    error: z.string().optional(),
    status: z.number().int().optional().describe('the HTTP status'),
    answer: z.string().max(4096).optional().describe('the body as it came, cut after 4,096 characters'),
    ms: Milliseconds,
    phases: Phases,
  })
  .describe('a router has asked an endpoint');

const Decided = z
  .strictObject({
    step: z.literal('decided'),
    ...step,
    result: z.enum(RESULT_NAMES),
    error: z.string().optional(),
    ms: Milliseconds.describe('from the connection of `socket` to the word to FreeSWITCH'),
    told: z.array(z.string()).describe('the applications that FreeSWITCH was given, in order'),
  })
  .describe('the agent is done with the call: it goes where the endpoint said, or back to its dialplan');

const Told = z
  .strictObject({ step: z.literal('told'), ...step, notification: Notification })
  .describe('FreeSWITCH has told of progress and JetStream has the notification');

const Attempted = z
  .strictObject({
    step: z.literal('attempted'),
    ...step,
    notification: z.string().describe('the id of the notification'),
    endpoint: Endpoint,
    attempt: z.number().int().positive(),
    outcome: z.enum(['delivered', 'retried', 'dead']),
    status: z.number().int().optional(),
    error: z.string().optional(),
    ms: Milliseconds,
    retry_in_ms: Milliseconds.optional(),
  })
  .describe('a notifier has tried to deliver a notification');

export const TimelineStep = z.discriminatedUnion('step', [Taken, Asked, Decided, Told, Attempted]);
export type TimelineStep = z.output<typeof TimelineStep>;
