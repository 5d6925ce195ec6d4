const NUMBERS = new Set([
  ...['attempt', 'q850', 'sip_status'],
  ...['duration_ms', 'ring_ms', 'billable_ms', 'talk_ms'],
]);
const BOOLEANS = new Set(['caller_id_withheld', 'recovered']);
const JSON_FIELDS = new Set(['tried', 'data', 'previous']);
const VARIABLE = 'variable_';

function fieldOf(name: string, text: string): unknown {
  if (NUMBERS.has(name)) return Number(text);
  if (BOOLEANS.has(name)) return text === 'true';
  return JSON_FIELDS.has(name) ? JSON.parse(text) : text;
}

/** The message of a GET request, in the form that it has in the body of a POST request. */
export function messageOfQuery(query: string): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  const variables: Record<string, string> = {};
  for (const [name, text] of new URLSearchParams(query)) {
    if (name.startsWith(VARIABLE)) variables[name.slice(VARIABLE.length)] = text;
    else message[name] = fieldOf(name, text);
  }
  return message['action'] === 'request' ? { ...message, variables } : message;
}
