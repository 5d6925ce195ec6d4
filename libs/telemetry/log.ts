import pino from 'pino';
import { traceId } from './call-ids.ts';
import { maskLine } from './numbers.ts';

export type Log = pino.Logger;

/** Of an error what it says, and nothing else that hangs on it: one of ioredis carries the password it was refused. */
export function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    type: name,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause: errorFields(cause) }),
  };
}

/**
 * JSON lines on standard output: time, level, service and what the line is about. Written at once: a process that ends
 * would write the line on its way behind those that wait, or lose it.
 */
export const createLog = (service: string, level: string, numbers: 'full' | 'masked' = 'full'): Log =>
  pino(
    {
      level,
      base: { service },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        ...(numbers === 'masked' ? { log: maskLine } : {}),
      },
      serializers: { err: errorFields },
      redact: { paths: ['*.password', '*.secret', '*.authorization'], censor: '[secret]' },
    },
    pino.destination({ dest: 1, sync: true }),
  );

/** What every line that is about a call begins with. A child of the log that held it would cost more than the line. */
export const aboutCall = (uuid: string, node: string) => ({ call: uuid, trace_id: traceId(uuid), node });
