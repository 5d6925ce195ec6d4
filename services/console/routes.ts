import type { z } from 'zod';
import {
  CallDetail,
  CallList,
  CallQuery,
  DeadLetter,
  DeadLetterList,
  DeadLetterQuery,
  Done,
  EndpointList,
  EndpointOrigin,
  LimitList,
  NodeList,
  ReplayRequest,
  ReplayResult,
  type Role,
  type Session,
} from '#libs/contract/console.ts';
import { ControlRequest } from '#libs/contract/control.ts';
import { Overview, OverviewQuery } from '#libs/contract/overview.ts';
import type { ConsoleContext } from './context.ts';

/** One operation of the API: its schemas check requests and generate the OpenAPI document. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly role: Role;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** Descriptions of other error statuses than 400, 401, 403 and 429. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly handle: (context: ConsoleContext, given: Given) => Promise<unknown>;
}

export interface Given {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly session: Session;
}

/** A route whose handler has the types of its schemas. */
function route<Q extends z.ZodObject = z.ZodObject, B extends z.ZodType = z.ZodType>(
  one: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Q;
    readonly body?: B;
    readonly handle: (
      context: ConsoleContext,
      given: Omit<Given, 'query' | 'body'> & { readonly query: z.output<Q>; readonly body: z.output<B> },
    ) => Promise<unknown>;
  },
): Route {
  return one as Route;
}

const [Hangup, Transfer] = ControlRequest.options;
const ofCall = { v: true, do: true, uuid: true, by: true } as const;
const CONTROL_PROBLEMS = {
  404: 'call not found',
  409: 'the agent refused; the error says why',
  503: 'no agent of the node accepts control requests',
  504: 'no agent replied; the outcome is unknown',
};
const REDIS_AWAY = { 503: 'Redis cannot be reached' };

export const ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/overview',
    role: 'viewer',
    summary:
      'Statistics of the calls that started in a window of time: the last hour, or any other up to a day',
    query: OverviewQuery,
    response: Overview,
    handle: async (context, { query }) => context.overview(query),
  }),
  route({
    method: 'GET',
    path: '/api/calls',
    role: 'viewer',
    summary: 'Live and recent calls, or all calls of the timeline, newest first',
    query: CallQuery,
    response: CallList,
    problems: { 503: 'the timeline cannot be read, or too many searches wait' },
    handle: (context, { query }) => context.search(query),
  }),
  route({
    method: 'GET',
    path: '/api/calls/{uuid}',
    role: 'viewer',
    summary: 'One call: its steps, decisions and notifications',
    response: CallDetail,
    problems: { 404: 'call not found', 503: 'the timeline cannot be read' },
    handle: (context, { params }) => context.detail(params['uuid'] ?? ''),
  }),
  route({
    method: 'POST',
    path: '/api/calls/{uuid}/hangup',
    role: 'operator',
    summary: 'Hangs up a live call',
    body: Hangup.omit(ofCall),
    response: Done,
    problems: CONTROL_PROBLEMS,
    handle: (context, { params, session }) =>
      context.control(session, { v: 1, do: 'hangup', uuid: params['uuid'] ?? '', by: session.name }),
  }),
  route({
    method: 'POST',
    path: '/api/calls/{uuid}/transfer',
    role: 'operator',
    summary: 'Transfers the caller leg of a live call to an extension of the dialplan',
    body: Transfer.omit(ofCall),
    response: Done,
    problems: CONTROL_PROBLEMS,
    handle: (context, { params, body, session }) =>
      context.control(session, {
        v: 1,
        do: 'transfer',
        uuid: params['uuid'] ?? '',
        by: session.name,
        ...body,
      }),
  }),
  route({
    method: 'GET',
    path: '/api/nodes',
    role: 'viewer',
    summary: 'FreeSWITCH nodes with their agents, and the other Dialhook processes',
    response: NodeList,
    handle: async (context) => context.instances.nodes(context.calls.live()),
  }),
  route({
    method: 'GET',
    path: '/api/limits',
    role: 'viewer',
    summary: 'Limits on calls at once and per second, and gateways that have failed last',
    response: LimitList,
    handle: async (context) => context.instances.limits(),
  }),
  route({
    method: 'GET',
    path: '/api/endpoints',
    role: 'viewer',
    summary: 'Endpoints: latency, circuit breakers, errors and delivery state',
    response: EndpointList,
    problems: REDIS_AWAY,
    handle: (context) => context.endpoints.list(context.instances.endpoints()),
  }),
  ...(['enable', 'disable'] as const).map((change) =>
    route({
      method: 'POST',
      path: `/api/endpoints/${change}`,
      role: 'operator',
      summary:
        change === 'enable'
          ? 'Enables notifications to an endpoint'
          : 'Disables notifications to an endpoint',
      body: EndpointOrigin,
      response: Done,
      problems: REDIS_AWAY,
      handle: async (context, { body: { origin }, session }) => {
        await context.endpoints.setEnabled(origin, change === 'enable');
        context.audit(session, change, { endpoint: origin, result: 'ok' });
        return { ok: true };
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/api/dead-letters',
    role: 'viewer',
    summary: 'Dead letters: notifications that will not be retried, newest first',
    query: DeadLetterQuery,
    response: DeadLetterList,
    problems: REDIS_AWAY,
    handle: (context, { query: { limit, ...filter } }) => context.deadLetters.list(filter, limit),
  }),
  route({
    method: 'GET',
    path: '/api/dead-letters/{id}',
    role: 'viewer',
    summary: 'One dead letter',
    response: DeadLetter,
    problems: { 404: 'dead letter not found', ...REDIS_AWAY },
    handle: (context, { params }) => context.deadLetter(params['id'] ?? ''),
  }),
  route({
    method: 'POST',
    path: '/api/dead-letters/replay',
    role: 'operator',
    summary: 'Replays dead letters, in the order of each call and with the same webhook-id',
    body: ReplayRequest,
    response: ReplayResult,
    problems: REDIS_AWAY,
    handle: async (context, { body, session }) => {
      const done = await context.deadLetters.replay(body);
      context.audit(session, 'replay', { which: body, result: 'ok', replayed: done.replayed });
      return done;
    },
  }),
];
