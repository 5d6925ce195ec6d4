import { z } from 'zod';
import * as schemas from '#libs/contract/console.ts';
import { Overview } from '#libs/contract/overview.ts';
import { ROUTES, type Route } from './routes.ts';

/** The API in OpenAPI 3.1, generated from the schemas that check it. */

type Json = Record<string, unknown>;

const NAMED = {
  Overview,
  CallSummary: schemas.CallSummary,
  CallList: schemas.CallList,
  CallDetail: schemas.CallDetail,
  NodeList: schemas.NodeList,
  EndpointSummary: schemas.EndpointSummary,
  EndpointList: schemas.EndpointList,
  DeadLetter: schemas.DeadLetter,
  DeadLetterList: schemas.DeadLetterList,
  ReplayRequest: schemas.ReplayRequest,
  ReplayResult: schemas.ReplayResult,
  Session: schemas.Session,
  Done: schemas.Done,
  Problem: schemas.Problem,
};

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const [name] = Object.entries(NAMED).find(([, one]) => one === schema) ?? [];
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
}

const content = (schema: z.ZodType, io: 'input' | 'output' = 'output'): Json => ({
  'application/json': { schema: schemaOf(schema, io) },
});

const problemResponse = (description: string): Json => ({ description, content: content(schemas.Problem) });

function parameters({ path, query }: Pick<Route, 'path' | 'query'>): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const properties = query === undefined ? {} : (schemaOf(query, 'input')['properties'] as Json);
  const inQuery = Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Json;
    return { name, in: 'query', ...(description === undefined ? {} : { description }), schema };
  });
  return [...inPath, ...inQuery];
}

function operation(route: Route): Json {
  const { body, problems = {} } = route;
  const given = parameters(route);
  const all = { 401: 'unknown token or no session', 429: 'too many failed logins', ...problems };
  const checked =
    body === undefined && route.query === undefined ? {} : { 400: 'invalid parameters or body' };
  const role = route.role === 'operator' ? { 403: 'requires the role operator' } : {};
  return {
    summary: route.summary,
    description: `Requires the role \`${route.role}\`.`,
    operationId: operationId(route),
    ...(given.length > 0 ? { parameters: given } : {}),
    ...(body === undefined ? {} : { requestBody: { content: content(body, 'input') } }),
    responses: {
      200: { description: 'done', content: content(route.response) },
      ...Object.fromEntries(
        Object.entries({ ...checked, ...role, ...all }).map(([status, text]) => [
          status,
          problemResponse(text),
        ]),
      ),
    },
  };
}

const operationId = ({ method, path }: Route): string =>
  [
    method.toLowerCase(),
    ...path
      .split('/')
      .slice(2)
      .map((part) => part.replaceAll(/\W/g, '')),
  ].join('_');

function paths(): Json {
  const all: Record<string, Json> = {};
  for (const route of ROUTES) {
    all[route.path] = { ...all[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  const session = { description: 'done', content: content(schemas.Session) };
  const unknown = problemResponse('unknown token or no session');
  all['/api/session'] = {
    get: {
      summary: 'The session of the client',
      operationId: 'get_session',
      responses: { 200: session, 401: unknown },
    },
    post: {
      summary:
        'Logs in and sets a session cookie. With the cookie, requests other than GET need a header `x-dialhook` of any value',
      operationId: 'post_session',
      security: [],
      requestBody: { required: true, content: content(schemas.Login, 'input') },
      responses: { 200: session, 401: unknown, 429: problemResponse('too many failed logins') },
    },
    delete: {
      summary: 'Logs out',
      operationId: 'delete_session',
      responses: { 200: { description: 'done', content: content(schemas.Done) }, 401: unknown },
    },
  };
  const call = { $ref: '#/components/schemas/CallSummary' };
  all['/api/export/calls'] = {
    get: {
      summary: 'All calls that match, newest first, as a file',
      operationId: 'get_export_calls',
      parameters: parameters({ path: '', query: schemas.ExportQuery }),
      responses: {
        200: {
          description:
            'the file; its name ends with -incomplete when the search has not covered all calls of the timeline',
          content: {
            'text/csv': { schema: { type: 'string' } },
            'application/json': { schema: { type: 'array', items: call } },
          },
        },
        400: problemResponse('invalid parameters or body'),
        401: unknown,
        503: problemResponse('the timeline cannot be read, or too many searches wait'),
      },
    },
  };
  all['/api/events'] = {
    get: {
      summary:
        'Server-sent events: `calls`, a list of changed CallSummary; `status`, when /api/nodes, /api/limits and /api/endpoints have changed. The stream ends after ten minutes; reconnect',
      operationId: 'get_events',
      responses: {
        200: { description: 'the stream', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        401: unknown,
      },
    },
  };
  return all;
}

export const openApi: Json = {
  openapi: '3.1.0',
  info: {
    title: 'Dialhook console',
    version: '1',
    description:
      'All data and actions of the console page. The bearer token is one of CONSOLE_VIEWER_TOKENS or CONSOLE_OPERATOR_TOKENS.',
  },
  security: [{ token: [] }, { session: [] }],
  paths: paths(),
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: 'dialhook_session' },
    },
    schemas: Object.fromEntries(
      Object.entries(NAMED).map(([name, schema]) => {
        const { $schema: _, ...json } = z.toJSONSchema(schema, { unrepresentable: 'any' }) as Json;
        return [name, json];
      }),
    ),
  },
};
