/** Headers and examples of the endpoint contract, for the OpenAPI and AsyncAPI documents. */

type Schema = Record<string, unknown>;

const header = (name: string, description: string, schema: Schema, required: boolean) => ({
  name,
  in: 'header',
  required,
  description,
  schema,
});

export const HEADERS = [
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

export const EXAMPLES = {
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
  ring: { action: 'ring', ...CALL, leg: LEG, called_number: '13800138000' },
  progress: { action: 'progress', ...CALL, leg: LEG, called_number: '13800138000' },
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

export const DECISIONS = {
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
