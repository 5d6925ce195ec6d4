import type { z } from 'zod';
import {
  CallDetail,
  CallList,
  CallQuery,
  Done,
  EndpointList,
  EndpointSwitch,
  Letter,
  LetterList,
  LetterQuery,
  NodeList,
  ReplayRequest,
  ReplayResult,
  type Role,
  type Session,
} from '#libs/contract/console.ts';
import { ControlRequest } from '#libs/contract/control.ts';
import type { World } from './world.ts';

/** One thing that the API does: all that is checked, documented and carried out. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly role: Role;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** Other statuses than 400, 401, 403 and 429, with what they mean. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly handle: (world: World, given: Given) => Promise<unknown>;
}

export interface Given {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly session: Session;
}

/** A route whose handler gets what its schemas say. */
function route<Q extends z.ZodObject = z.ZodObject, B extends z.ZodType = z.ZodType>(
  one: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Q;
    readonly body?: B;
    readonly handle: (
      world: World,
      given: Omit<Given, 'query' | 'body'> & { readonly query: z.output<Q>; readonly body: z.output<B> },
    ) => Promise<unknown>;
  },
): Route {
  return one as Route;
}

const [Hangup, Transfer] = ControlRequest.options;
const ofCall = { v: true, do: true, uuid: true, by: true } as const;
const CONTROL_PROBLEMS = {
  404: 'no such call is known',
  409: 'the agent has refused, in its words',
  503: 'no agent of its node takes such orders',
  504: 'no agent answered: whether it was done is not known',
};
const REDIS_AWAY = { 503: 'Redis cannot be reached' };

export const ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/calls',
    role: 'viewer',
    summary: 'Calls now and lately, the newest first',
    query: CallQuery,
    response: CallList,
    handle: async (world, { query }) => world.calls.search(query),
  }),
  route({
    method: 'GET',
    path: '/api/calls/{uuid}',
    role: 'viewer',
    summary: 'All that is known of one call',
    response: CallDetail,
    problems: { 404: 'no such call is known', 503: 'the timeline cannot be read' },
    handle: (world, { params }) => world.detail(params['uuid'] ?? ''),
  }),
  route({
    method: 'POST',
    path: '/api/calls/{uuid}/hangup',
    role: 'operator',
    summary: 'Hangs up a live call',
    body: Hangup.omit(ofCall),
    response: Done,
    problems: CONTROL_PROBLEMS,
    handle: (world, { params, session }) =>
      world.control(session, { v: 1, do: 'hangup', uuid: params['uuid'] ?? '', by: session.name }),
  }),
  route({
    method: 'POST',
    path: '/api/calls/{uuid}/transfer',
    role: 'operator',
    summary: 'Transfers the caller of a live call to an extension of its dialplan',
    body: Transfer.omit(ofCall),
    response: Done,
    problems: CONTROL_PROBLEMS,
    handle: (world, { params, body, session }) =>
      world.control(session, {
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
    summary: 'FreeSWITCH nodes with their agents, and the other processes',
    response: NodeList,
    handle: async (world) => world.instances.nodes(world.calls.live()),
  }),
  route({
    method: 'GET',
    path: '/api/endpoints',
    role: 'viewer',
    summary: 'Endpoints: latency, breakers, errors, and what the notifiers know against them',
    response: EndpointList,
    problems: REDIS_AWAY,
    handle: (world) => world.letters.endpoints(world.instances.endpoints()),
  }),
  route({
    method: 'POST',
    path: '/api/endpoints/switch',
    role: 'operator',
    summary: 'Switches notifications to an endpoint on or off',
    body: EndpointSwitch,
    response: Done,
    problems: REDIS_AWAY,
    handle: async (world, { body, session }) => {
      await world.letters.switchEndpoint(body.origin, body.on);
      world.audit(session, body.on ? 'switch on' : 'switch off', { endpoint: body.origin, result: 'ok' });
      return { ok: true };
    },
  }),
  route({
    method: 'GET',
    path: '/api/dead-letters',
    role: 'viewer',
    summary: 'Notifications that were given up, the newest first',
    query: LetterQuery,
    response: LetterList,
    problems: REDIS_AWAY,
    handle: (world, { query: { limit, ...filter } }) => world.letters.list(filter, limit),
  }),
  route({
    method: 'GET',
    path: '/api/dead-letters/{id}',
    role: 'viewer',
    summary: 'One of them',
    response: Letter,
    problems: { 404: 'no such dead letter', ...REDIS_AWAY },
    handle: (world, { params }) => world.letter(params['id'] ?? ''),
  }),
  route({
    method: 'POST',
    path: '/api/dead-letters/replay',
    role: 'operator',
    summary: "Sends dead letters again, in each call's order and with the same webhook-id",
    body: ReplayRequest,
    response: ReplayResult,
    problems: REDIS_AWAY,
    handle: async (world, { body, session }) => {
      const done = await world.letters.replay(body);
      world.audit(session, 'replay', { which: body, result: 'ok', replayed: done.replayed });
      return done;
    },
  }),
];
