/** The contract as an endpoint sees it, in OpenAPI 3.1: one POST, which the endpoint is to serve. */

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
    'names the request (UUID.ATTEMPT.request) or the notification (UUID.LEG.ACTION); the same in every repeat',
    { type: 'string' },
    true,
  ),
  header(
    'webhook-timestamp',
    'when this attempt was made, seconds since 1970',
    { type: 'string', pattern: String.raw`^\d{1,12}$` },
    true,
  ),
  header(
    'webhook-signature',
    'v1, and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY, one for each secret, separated by blanks; there when the operator has set secrets',
    { type: 'string', pattern: '^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$' },
    false,
  ),
  header(
    'traceparent',
    'the W3C trace context; the trace id is the uuid of the call',
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
    ...CALL,
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
      'What an endpoint serves at its one URL, which can have any path: it is asked where a call goes, and told what became of it.',
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
              'The decision on a request. To a notification any 2xx says that it is taken; the body is not looked at.',
            content: json(ref('Decision'), DECISIONS),
          },
          204: { description: 'A notification is taken.' },
          401: { description: 'The signature is not right. A notification is sent again.' },
          404: {
            description: 'No opinion about this call: its dialplan goes on. A notification is sent again.',
          },
          410: {
            description: 'The notification is given up at once, as it is with 400, 413, 414, 415 and 422.',
          },
          503: {
            description: 'Too much: nothing is sent for as long as Retry-After says. 429 does the same.',
            headers: { 'Retry-After': { schema: { type: 'string' } } },
          },
          default: { description: 'The dialplan of the call goes on; a notification is sent again.' },
        },
      },
    },
  },
  components: {
    schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)])),
  },
});
