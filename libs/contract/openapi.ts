import { type ActionSchema, actionSchemas } from './action-schemas.ts';
import { DECISIONS, EXAMPLES, HEADERS } from './examples.ts';

/**
 * The endpoint contract in OpenAPI 3.1: the one POST operation that an endpoint serves, and the same operation as a webhook
 * for each `action`.
 */

type Schema = Record<string, unknown>;
type Schemas = Readonly<Record<'EndpointRequest' | 'Decision' | 'Notification', Schema>>;

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const bare = ({ $schema: _, ...schema }: Schema): Schema => schema;

const json = (schema: Schema, examples: Record<string, unknown>) => ({
  'application/json': {
    schema,
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  },
});

const RESPONSES = {
  204: { description: 'The notification is accepted.' },
  401: { description: 'The signature is wrong. A notification is retried.' },
  404: { description: 'No decision for this call: the dialplan continues. A notification is retried.' },
  410: {
    description: 'The notification becomes a dead letter at once, as with 400, 413, 414, 415 and 422.',
  },
  503: {
    description: 'Overloaded: no notification is sent until Retry-After has passed. 429 does the same.',
    headers: { 'Retry-After': { schema: { type: 'string' } } },
  },
  default: { description: 'No decision: the dialplan continues. A notification is retried.' },
};

/** They allow routers to use the decision again. */
const CACHING = {
  'Cache-Control': {
    description: 'max-age and stale-if-error, in seconds; for endpoints in DECISION_CACHE_ENDPOINTS',
    schema: { type: 'string' },
  },
  'Dialhook-Vary': {
    description: 'the request fields that the decision depends on, separated by commas',
    schema: { type: 'string' },
  },
};

const decided = (description: string) => ({
  200: { description, headers: CACHING, content: json(ref('Decision'), DECISIONS) },
});

/** The webhook of one `action`. */
const webhook = (name: string, action: string, summary: string, responses: object) => {
  const examples = Object.fromEntries(Object.entries(EXAMPLES).filter(([of]) => of === action));
  return {
    post: {
      operationId: `on${name}`,
      summary,
      parameters: HEADERS,
      requestBody: {
        required: true,
        content: json(ref(name), examples),
      },
      responses,
    },
  };
};

const webhooksOf = (actions: readonly ActionSchema[]) => {
  const { 204: accepted, 401: unsigned, 410: dead, 503: overloaded } = RESPONSES;
  const otherwise = { description: 'The notification is retried.' };
  return {
    request: webhook('EndpointRequest', 'request', 'A request for a decision about a call', {
      ...decided('The decision.'),
      404: { description: 'No decision for this call: the dialplan continues.' },
      default: { description: 'No decision: the dialplan continues.' },
    }),
    ...Object.fromEntries(
      actions.map(({ action, name, summary }) => [
        action,
        webhook(name, action, summary, {
          '2XX': accepted,
          401: unsigned,
          410: dead,
          503: overloaded,
          default: otherwise,
        }),
      ]),
    ),
  };
};

export const openApi = (schemas: Schemas) => ({
  openapi: '3.1.0',
  info: {
    title: 'A Dialhook endpoint',
    version: '1',
    description:
      'The operation that an endpoint serves at its URL, which can have any path: it receives requests and answers with a decision, and it receives notifications.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
  paths: {
    '/': {
      post: {
        operationId: 'call',
        summary: 'A request (`action` is `request`) or a notification (every other `action`)',
        parameters: HEADERS,
        requestBody: {
          required: true,
          content: json({ anyOf: [ref('EndpointRequest'), ref('Notification')] }, EXAMPLES),
        },
        responses: {
          ...decided(
            'The decision for a request. For a notification any 2xx status accepts it and the body is ignored.',
          ),
          ...RESPONSES,
        },
      },
    },
  },
  webhooks: webhooksOf(actionSchemas(schemas.Notification)),
  components: {
    schemas: {
      EndpointRequest: bare(schemas.EndpointRequest),
      Decision: bare(schemas.Decision),
      Notification: { anyOf: actionSchemas(schemas.Notification).map(({ name }) => ref(name)) },
      ...Object.fromEntries(actionSchemas(schemas.Notification).map(({ name, schema }) => [name, schema])),
    },
  },
});
