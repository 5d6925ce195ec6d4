import type { Command } from './command.ts';
import { AREAS } from './doctor/finding.ts';

export const doctor: Command = {
  name: 'doctor',
  help: 'check FreeSWITCH, NATS, Redis and endpoints for what a node needs; changes nothing and places no call',
  options: {
    endpoint: { value: 'URL', many: true, help: 'check this endpoint too' },
    socket: {
      value: 'HOST:PORT|...',
      help: 'hosts of the application socket in the dialplan (default SOCKET_HOST:SOCKET_PORT)',
    },
    as: {
      value: 'SERVICE',
      help: 'service whose NATS user NATS_* are, which decides the subjects that it may use (default agent)',
    },
    only: { value: 'AREA', many: true, help: `check only this area: ${AREAS.join(', ')}` },
    json: { help: 'print JSON' },
  },
  settings:
    'those of the services: FREESWITCH_*, CALL_CONTROL, SOCKET_*, NATS_*, LIMITS_REPLICAS, LIVE_CALLS_REPLICAS, PROGRESS_REPLICAS, REDIS_*, ENDPOINT_*, DEFAULT_ENDPOINT_URL, FALLBACK_ENDPOINT_URL',
  fails: 'at least one error was found',
  // Loaded on demand: the clients of NATS and Redis take a second to load.
  run: async (given, terminal) => (await import('./doctor/run.ts')).run(given, terminal),
};
