import type { CallSummary } from '#libs/contract/console.ts';
import type { Paint } from '../command.ts';
import { type Cell, row } from '../table.ts';
import { clock, colourOfResult, colourOfState, deliveries, ending, span } from './words.ts';

/** The columns of a call, in `dialhook calls`, `dialhook tail` and `npm start`. */
export const CALL_HEADINGS = [
  'STARTED (UTC)',
  'STATE',
  'NODE',
  'FROM',
  'TO',
  'RESULT',
  'DECIDED',
  'DELIVERED',
  'CALL',
  'END',
];

export const callCells = (call: CallSummary, time = clock(call.started), uuid = call.uuid): Cell[] => [
  time,
  [colourOfState(call.state), call.state],
  call.node,
  call.from,
  call.to,
  call.result === undefined ? '' : [colourOfResult(call.result), call.result],
  span(call.decision_ms),
  [call.notifications.dead > 0 ? 'red' : 'dim', deliveries(call)],
  uuid,
  call.error ?? ending(call),
];

/** Column widths for rows that are printed one by one, when the widest value is not known in advance. */
const WIDTHS = [23, 8, 8, 15, 15, 16, 8, 6, 36];
const SHORT_WIDTHS = [8, 8, 3, 11, 11, 16, 7, 3, 8];

/** One call, with the date and time of its last step. */
export const callRow = (call: CallSummary, paint: Paint): string =>
  row(callCells(call, clock(call.updated)), WIDTHS, paint);

/** One call with the time of day of its start and the first 8 characters of its uuid. */
export const shortCallRow = (call: CallSummary, paint: Paint): string =>
  row(callCells(call, call.started.slice(11, 19), call.uuid.slice(0, 8)), SHORT_WIDTHS, paint);
