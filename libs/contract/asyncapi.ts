import { actionSchemas } from './action-schemas.ts';
import { DECISIONS, EXAMPLES, HEADERS } from './examples.ts';

/** The endpoint contract in AsyncAPI 3.0, as an application that receives messages over HTTP. */

type Schema = Record<string, unknown>;

const bare = ({ $schema: _, ...schema }: Schema): Schema => schema;
const ref = (path: string) => ({ $ref: `#/${path}` });
const HTTP = { http: { method: 'POST', bindingVersion: '0.3.0' } };

const headers = {
  type: 'object',
  required: HEADERS.filter(({ required }) => required).map(({ name }) => name),
  properties: Object.fromEntries(
    HEADERS.map(({ name, description, schema }) => [name, { ...schema, description }]),
  ),
};

const examplesOf = (values: Readonly<Record<string, unknown>>) => ({
  examples: Object.entries(values).map(([name, payload]) => ({ name, payload })),
});

/** The schemas must be JSON Schema of draft 7, which AsyncAPI's own schema dialect contains. */
export function asyncApi(schemas: Readonly<Record<'EndpointRequest' | 'Decision' | 'Notification', Schema>>) {
  const actions = actionSchemas(schemas.Notification);
  const example = (action: string) => Object.entries(EXAMPLES).filter(([name]) => name === action);
  const message = (name: string, summary: string, values: Readonly<Record<string, unknown>>) => ({
    name,
    summary,
    contentType: 'application/json',
    payload: ref(`components/schemas/${name}`),
    ...(Object.keys(values).length === 0 ? {} : examplesOf(values)),
  });
  const received = (name: string, action: string, summary: string) => ({
    ...message(name, summary, Object.fromEntries(example(action))),
    headers: ref('components/schemas/Headers'),
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'A Dialhook endpoint',
      version: '1',
      description:
        'The messages to the URL of an endpoint: requests, to which it replies with a decision, and notifications, which any 2xx status acknowledges. Notifications arrive at least once, and in order within a call.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      endpoint: {
        address: null,
        description: 'the URL of the endpoint, which the dialplan names',
        messages: {
          request: ref('components/messages/EndpointRequest'),
          ...Object.fromEntries(
            actions.map(({ action, name }) => [action, ref(`components/messages/${name}`)]),
          ),
        },
      },
      reply: {
        address: null,
        description: 'the answer to the HTTP request',
        messages: { decision: ref('components/messages/Decision') },
      },
    },
    operations: {
      decide: {
        action: 'receive',
        channel: ref('channels/endpoint'),
        summary: 'A request for a decision about a call',
        messages: [ref('channels/endpoint/messages/request')],
        bindings: HTTP,
        reply: { channel: ref('channels/reply'), messages: [ref('channels/reply/messages/decision')] },
      },
      notify: {
        action: 'receive',
        channel: ref('channels/endpoint'),
        summary: 'A notification of an event of a call',
        messages: actions.map(({ action }) => ref(`channels/endpoint/messages/${action}`)),
        bindings: HTTP,
      },
    },
    components: {
      messages: {
        EndpointRequest: received('EndpointRequest', 'request', 'A request for a decision'),
        Decision: message('Decision', 'Where the call goes', DECISIONS),
        ...Object.fromEntries(
          actions.map(({ action, name, summary }) => [name, received(name, action, summary)]),
        ),
      },
      schemas: {
        EndpointRequest: bare(schemas.EndpointRequest),
        Decision: bare(schemas.Decision),
        Headers: headers,
        ...Object.fromEntries(actions.map(({ name, schema }) => [name, schema])),
      },
    },
  };
}
