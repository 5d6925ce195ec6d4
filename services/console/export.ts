import { Readable } from 'node:stream';
import type { CallSummary } from '#libs/contract/console.ts';

/** The columns of a CSV file, in order. */
const COLUMNS = [
  ...['started', 'updated', 'uuid', 'node', 'from', 'from_name', 'to', 'state', 'outcome', 'result', 'error'],
  ...[
    'endpoint',
    'decision_ms',
    'cause',
    'hangup_by',
    'sip_status',
    'duration_ms',
    'billable_ms',
    'gateways',
  ],
] as const satisfies readonly (keyof CallSummary)[];
const COUNTS = ['published', 'delivered', 'retried', 'dead'] as const;

/** A spreadsheet executes a cell that begins like this; a phone number with a plus sign is none. */
const FORMULA = /^(?:[=@\t\r]|[+-](?![\d ]*$))/;

function cell(value: unknown): string {
  const text = Array.isArray(value) ? value.join(' ') : String(value ?? '');
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A call as a line of CSV (RFC 4180). */
export const csvLine = (call: CallSummary): string =>
  [...COLUMNS.map((name) => call[name]), ...COUNTS.map((name) => call.notifications[name])]
    .map(cell)
    .join(',');

/** The header of a CSV file. The byte order mark makes spreadsheets read UTF-8. */
export const CSV_HEADER = `\uFEFF${[...COLUMNS, ...COUNTS.map((name) => `notifications_${name}`)].join(',')}`;

function* csv(calls: readonly CallSummary[]): Generator<string> {
  yield `${CSV_HEADER}\r\n`;
  for (const call of calls) yield `${csvLine(call)}\r\n`;
}

function* json(calls: readonly CallSummary[]): Generator<string> {
  for (const [n, call] of calls.entries()) yield `${n === 0 ? '[' : ','}\n${JSON.stringify(call)}`;
  yield calls.length === 0 ? '[]\n' : '\n]\n';
}

export const FORMATS = {
  csv: { type: 'text/csv; charset=utf-8', lines: csv },
  json: { type: 'application/json; charset=utf-8', lines: json },
} as const;

/** The calls as a file, made while it is sent. */
export const fileOf = (calls: readonly CallSummary[], format: keyof typeof FORMATS): Readable =>
  Readable.from(FORMATS[format].lines(calls));
