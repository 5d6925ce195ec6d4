import pino from 'pino';
import { withoutSeparators } from '#libs/json/json-line.ts';
import { traceId } from './call-ids.ts';
import { LOG_EVENTS, type LogEvent } from './log-events.ts';
import { maskLine } from './numbers.ts';
import { severityPrefix } from './severity.ts';

const STDOUT = 1;
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
type Level = (typeof LEVELS)[number];

/** Writes log lines. `event` is a code of `LOG_EVENTS` and gives the message; `fields` are added to the line. */
export type Log = Readonly<Record<Level, (event: LogEvent, fields?: object) => void>>;

/** The fields of an error that are logged. Others may hold secrets: an ioredis error has the command with its password. */
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

interface LogOptions {
  /** Lines below this level are not written. Default `info`. */
  readonly level?: string;
  /** `masked` replaces telephone numbers and names, see `maskLine`. Default `full`. */
  readonly numbers?: 'full' | 'masked';
  /** Where lines go. Default standard output, written synchronously, so that the last line of a process is not lost. */
  readonly destination?: pino.DestinationStream;
}

/** The level of a line that pino has written: its first field. */
const levelOf = (line: string): string => /^\{"level":"(\w+)"/.exec(line)?.[1] ?? '';

/**
 * Writes JSON lines: level, time, service, event, the event's fields, message. In the journal of systemd each has the
 * severity of its level.
 */
export function createLog(service: string, options: LogOptions = {}): Log {
  const {
    level = 'info',
    numbers = 'full',
    destination = pino.destination({ dest: STDOUT, sync: true }),
  } = options;
  const prefix = options.destination === undefined ? severityPrefix(STDOUT) : () => '';
  const logger = pino(
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
      hooks: { streamWrite: (line) => prefix(levelOf(line)) + withoutSeparators(line) },
      redact: { paths: ['*.password', '*.secret', '*.authorization'], censor: '[secret]' },
    },
    destination,
  );
  const writer = (level: Level) => (event: LogEvent, fields?: object) =>
    logger[level]({ event, ...fields }, LOG_EVENTS[event].message);
  return Object.fromEntries(LEVELS.map((level) => [level, writer(level)])) as Log;
}

/** The fields of every line about a call. */
export const aboutCall = (uuid: string, node: string) => ({ call: uuid, trace_id: traceId(uuid), node });
