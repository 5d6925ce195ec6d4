import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start -- [OPTIONS]

Runs a whole Dialhook cluster on this machine until Ctrl-C.

  --calls N               place N simulated calls of mixed fates, wait until all is delivered, and end
  --rate N                calls a second (default 2; 50 with --calls)
  --json                  print one JSON object as the last line of standard output
  --freeswitch HOST:PORT  use a real FreeSWITCH (its event socket) in place of the simulated ones
  --freeswitch-password P its event socket password (default ClueCon)
  --listen HOST:PORT      where the agent takes calls of the socket application (default 127.0.0.1:8084)
  --endpoint URL          your own endpoint, for calls whose dialplan names none
  --help                  this text`;

/** What `npm start` was asked for. */
export interface Options {
  readonly calls: number | undefined;
  readonly rate: number;
  readonly json: boolean;
  readonly freeswitch:
    | { readonly host: string; readonly port: number; readonly password: string }
    | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly endpoint: string | undefined;
  readonly help: boolean;
}

/** Arguments that cannot be followed, in words for whoever typed them. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not ${text}`);
}

function hostPort(name: string, text: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(text);
  if (!match?.[1]) throw new UsageError(`--${name} must be HOST:PORT, not ${text}`);
  return { host: match[1].replaceAll(/[[\]]/g, ''), port: number(name, match[2] ?? '', 1, 65_535) };
}

/** @throws {UsageError} */
export function readOptions(args: readonly string[]): Options {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        calls: { type: 'string' },
        rate: { type: 'string' },
        json: { type: 'boolean' },
        freeswitch: { type: 'string' },
        'freeswitch-password': { type: 'string' },
        listen: { type: 'string' },
        endpoint: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const text = (name: string): string | undefined =>
    typeof values[name] === 'string' ? values[name] : undefined;
  const calls = text('calls');
  const freeswitch = text('freeswitch');
  const endpoint = text('endpoint');
  if (calls !== undefined && freeswitch !== undefined)
    throw new UsageError('--calls places simulated calls: it cannot go with --freeswitch');
  if (calls !== undefined && endpoint !== undefined)
    throw new UsageError('--calls counts what the example endpoint is told: it cannot go with --endpoint');
  if (endpoint !== undefined && !/^https?:\/\/./.test(endpoint))
    throw new UsageError('--endpoint must start with http:// or https://');
  return {
    calls: calls === undefined ? undefined : number('calls', calls, 1, 1_000_000),
    rate: number('rate', text('rate') ?? (calls === undefined ? '2' : '50'), 1, 1000),
    json: values['json'] === true,
    freeswitch:
      freeswitch === undefined
        ? undefined
        : { ...hostPort('freeswitch', freeswitch), password: text('freeswitch-password') ?? 'ClueCon' },
    listen: hostPort('listen', text('listen') ?? '127.0.0.1:8084'),
    endpoint,
    help: values['help'] === true,
  };
}
