import { DEFAULT_TIMEOUT_MS } from '#libs/contract/arguments.ts';
import { CHECK_NODE } from './check/sample.ts';
import type { Command } from './command.ts';

export const check: Command = {
  name: 'check',
  arguments: 'URL',
  help: 'send the request of a sample call to an endpoint and print the applications that FreeSWITCH would get, the numbers that the parties are shown and the keys that are ignored',
  options: {
    caller: { value: 'NUMBER', help: 'caller number (default 1001)' },
    name: { value: 'NAME', help: 'caller name' },
    destination: { value: 'NUMBER', help: 'dialled number (default 1000)' },
    context: { value: 'CONTEXT', help: 'dialplan context (default "default")' },
    variable: { value: 'NAME=VALUE', many: true, help: 'channel variable to include in the request' },
    tried: {
      value: 'NUMBER=CAUSE',
      many: true,
      help: 'second attempt, after this called leg failed with this cause',
    },
    'connect-timeout': {
      value: 'MS',
      help: `time limit of DNS, TCP and TLS together (default ${DEFAULT_TIMEOUT_MS})`,
    },
    'response-timeout': { value: 'MS', help: `time limit of the answer (default ${DEFAULT_TIMEOUT_MS})` },
    fallback: { value: 'URL', help: 'check this fallback endpoint too' },
    get: { help: 'use GET, as with ENDPOINT_METHOD=GET' },
    secret: {
      value: 'whsec_...',
      many: true,
      help: 'sign with this secret instead of ENDPOINT_SIGNING_SECRETS',
    },
    notify: {
      help: `then send ring, progress, answer and hangup, and the hangup twice. The endpoint gets the end of a call that never existed, and must not bill it: its node is ${CHECK_NODE}`,
    },
    json: { help: 'print JSON' },
  },
  settings: 'ENDPOINT_* and ALLOWED_VARIABLES, as for the router',
  fails: 'no decision, or a notification was not accepted',
  // Loaded on demand: the HTTP client imports OpenTelemetry, which takes half a second.
  run: async (given, terminal) => (await import('./check/run.ts')).run(given, terminal),
};
