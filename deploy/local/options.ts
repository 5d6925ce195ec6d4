import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** A text file, because prepare.mjs prints it before anything is installed. */
export const USAGE = readFileSync(join(import.meta.dirname, 'usage.txt'), 'utf8').trimEnd();

/** The options of `npm start`. */
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

/** Wrong arguments; the message is for the user. */
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
    throw new UsageError('--calls places simulated calls and cannot be combined with --freeswitch');
  if (calls !== undefined && endpoint !== undefined)
    throw new UsageError(
      '--calls counts the notifications of the example endpoint and cannot be combined with --endpoint',
    );
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
