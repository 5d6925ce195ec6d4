import { DEFAULT_TIMEOUT_MS } from '#libs/contract/arguments.ts';
import type { Command } from './command-line.ts';

export const check: Command = {
  name: 'check',
  arguments: 'URL',
  help: 'ask an endpoint where a sample call goes, and say what FreeSWITCH would be told',
  options: {
    caller: { value: 'NUMBER', help: "the caller's number, 1001 without it" },
    name: { value: 'NAME', help: "the caller's name" },
    destination: { value: 'NUMBER', help: 'the number dialled, 1000 without it' },
    context: { value: 'CONTEXT', help: 'the dialplan context, default without it' },
    variable: { value: 'NAME=VALUE', many: true, help: 'a channel variable of the request' },
    tried: { value: 'NUMBER=CAUSE', many: true, help: 'ask again, after this called leg has failed' },
    'connect-timeout': { value: 'MS', help: `for DNS, TCP and TLS, ${DEFAULT_TIMEOUT_MS} without it` },
    'response-timeout': { value: 'MS', help: `for the answer, ${DEFAULT_TIMEOUT_MS} without it` },
    fallback: { value: 'URL', help: 'ask this one as well' },
    get: { help: 'ask with GET, as with ENDPOINT_METHOD=GET' },
    secret: { value: 'whsec_...', many: true, help: 'sign with it, instead of ENDPOINT_SIGNING_SECRETS' },
    notify: { help: 'then tell of ring, progress, answer and hangup, and of the hangup twice' },
    json: { help: 'print JSON' },
  },
  settings: 'those of the router: ENDPOINT_*, ALLOWED_VARIABLES',
  fails: 'there is no decision, or a notification was not taken',
  // Loaded when it is wanted: what calls endpoints brings OpenTelemetry along, and half a second.
  run: async (given, terminal) => (await import('./check/run.ts')).run(given, terminal),
};
