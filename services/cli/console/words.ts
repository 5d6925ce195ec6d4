import type { CallSummary } from '#libs/contract/console.ts';
import type { Format } from '../command.ts';

/** Date and time, UTC, with milliseconds. */
export const clock = (iso: string): string => iso.replace('T', ' ').replace('Z', '');

export function span(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export const colourOfResult = (result: string): Format =>
  result === 'decided' ? 'green' : result === 'defaulted' ? 'yellow' : 'red';

const COLOURS: Readonly<Record<CallSummary['state'], Format>> = {
  deciding: 'yellow',
  routed: 'cyan',
  ringing: 'cyan',
  answered: 'green',
  ended: 'dim',
};
export const colourOfState = (state: CallSummary['state']): Format => COLOURS[state];

/** How a call ended, in one line. */
export function ending({ cause, sip_status, hangup_by, duration_ms, billable_ms }: CallSummary): string {
  const parts = [
    cause,
    sip_status === undefined ? undefined : `SIP ${sip_status}`,
    hangup_by === undefined ? undefined : `ended by ${hangup_by}`,
    duration_ms === undefined ? undefined : `after ${span(duration_ms)}`,
    billable_ms ? `${span(billable_ms)} answered` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

export const deliveries = ({ notifications: n }: CallSummary): string =>
  n.published === 0
    ? ''
    : `${n.delivered}/${n.published}${n.retried > 0 ? `, ${n.retried} retried` : ''}${n.dead > 0 ? `, ${n.dead} dead` : ''}`;
