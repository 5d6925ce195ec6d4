/** The endpoint contract in OpenAPI 3.1: the one POST operation that an endpoint serves. */

type Schema = Record<string, unknown>;
type Schemas = Readonly<Record<'EndpointRequest' | 'Decision' | 'Notification', Schema>>;

const ref = (name: keyof Schemas) => ({ $ref: `#/components/schemas/${name}` });
const bare = ({ $schema: _, ...schema }: Schema): Schema => schema;

const header = (name: string, description: string, schema: Schema, required: boolean) => ({
  name,
  in: 'header',
  required,
  description,
  schema,
});

const HEADERS = [
  header(
    'webhook-id',
    'id of the request (UUID.ATTEMPT.request) or of the notification (UUID.LEG.ACTION); a repeat has the same id',
    { type: 'string' },
    true,
  ),
  header(
    'webhook-timestamp',
    'time of this HTTP request, seconds since 1970',
    { type: 'string', pattern: String.raw`^\d{1,12}$` },
    true,
  ),
  header(
    'webhook-signature',
    '"v1," and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY, one for each secret, separated by spaces; absent when no secret is configured',
    { type: 'string', pattern: '^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$' },
    false,
  ),
  header(
    'traceparent',
    'W3C trace context; the trace id is the uuid of the call without hyphens',
    { type: 'string' },
    false,
  ),
];

const json = (schema: Schema, examples: Record<string, unknown>) => ({
  'application/json': {
    schema,
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  },
});

const UUID = 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd';
const CALL = {
  uuid: UUID,
  node: 'fs1',
  time: '2026-11-23T22:56:34.798Z',
  caller_id_number: '1001',
  caller_id_name: '张三',
  destination_number: '13800138000',
};
const LEG = '52bd0a2e-8f0e-4f5f-9d9b-0f1c1d0e6a11';

const EXAMPLES = {
  request: {
    action: 'request',
    reason: 'new',
    ...CALL,
    caller_id_withheld: false,
    asserted_number: '',
    context: 'default',
    network_addr: '10.0.0.20',
    sip_call_id: 'be0e7fe1-20cf-46e7-b9f7-c641076e71f7',
    attempt: 1,
    tried: [],
    variables: { domain_name: 'pbx.example' },
  },
  answer: { action: 'answer', ...CALL, leg: LEG, called_number: '13800138000' },
  hangup: {
    action: 'hangup',
    ...CALL,
    leg: UUID,
    result: 'decided',
    cause: 'NORMAL_CLEARING',
    q850: 16,
    sip_status: 200,
    hangup_by: 'caller',
    duration_ms: 520,
    ring_ms: 80,
    billable_ms: 320,
    tried: [{ leg: LEG, number: '13800138000', cause: 'NONE' }],
  },
};

const DECISIONS = {
  gateway: { dial: { type: 'gateway', gateway: 'gw', number: '123456' } },
  user: { dial: { type: 'user', user: '1000', number: '123456' } },
  list: {
    dial: [
      { type: 'gateway', gateway: 'a', number: '123456' },
      { type: 'ip', ip: '10.0.0.9:5060', number: '123456' },
    ],
    on_fail: 'request',
  },
  hangup: { dial: { type: 'hangup', cause: 17 } },
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
          200: {
            description:
              'The decision for a request. For a notification any 2xx status accepts it and the body is ignored.',
            content: json(ref('Decision'), DECISIONS),
          },
          204: { description: 'The notification is accepted.' },
          401: { description: 'The signature is wrong. A notification is retried.' },
          404: {
            description: 'No decision for this call: the dialplan continues. A notification is retried.',
          },
          410: {
            description:
              'The notification becomes a dead letter at once, as with 400, 413, 414, 415 and 422.',
          },
          503: {
            description:
              'Overloaded: no notification is sent until Retry-After has passed. 429 does the same.',
            headers: { 'Retry-After': { schema: { type: 'string' } } },
          },
          default: { description: 'No decision: the dialplan continues. A notification is retried.' },
        },
      },
    },
  },
  components: {
    schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)])),
  },
});
