import pino from 'pino';
import { traceId } from './call-ids.ts';

export type Log = pino.Logger;

/**
 * JSON lines on standard output: time, level, service and what the line is about. Written at once: a process that ends
 * would write the line on its way behind those that wait, or lose it.
 */
export const createLog = (service: string, level: string): Log =>
  pino(
    {
      level,
      base: { service },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['*.password', '*.secret', '*.authorization'], censor: '[secret]' },
    },
    pino.destination({ dest: 1, sync: true }),
  );

/** A log whose every line names the call, its trace and its node. */
export const callLog = (log: Log, uuid: string, node: string): Log =>
  log.child({ call: uuid, trace_id: traceId(uuid), node });
