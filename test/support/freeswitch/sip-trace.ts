import { header, method, parseSip } from './sip-message.ts';

/** One SIP message between FreeSWITCH and a party of a call. */
export interface TracedMessage {
  /** Unix time, ms. */
  readonly at: number;
  readonly side: 'caller' | 'called';
  /** The number that was dialled to reach the party; for the caller the number that it dialled. */
  readonly number: string;
  /** Sent by the party; otherwise by FreeSWITCH. */
  readonly byParty: boolean;
  readonly text: string;
}

/** Headers of the harness, and those that echo what the party itself sent. */
const NOT_SEARCHED = /^(X-Test-[\w-]+|Via|Call-ID):/i;

/**
 * Lines of messages that FreeSWITCH sent to one side (to the party with `number`, if given) and that hold one of the
 * hidden texts: `180 Ringing | Remote-Party-ID: ...`.
 */
export function leaks(
  trace: readonly TracedMessage[],
  side: TracedMessage['side'],
  hidden: readonly string[],
  number?: string,
): string[] {
  return trace
    .filter((message) => !message.byParty && message.side === side)
    .filter((message) => number === undefined || message.number === number)
    .flatMap(({ text }) => {
      const [start = '', ...lines] = text.split('\r\n');
      return [start, ...lines]
        .filter((line) => !NOT_SEARCHED.test(line) && hidden.some((secret) => line.includes(secret)))
        .map((line) => `${start} | ${line}`);
    });
}

/** The requests that FreeSWITCH sent to one side, e.g. INVITE ACK BYE. */
export const requestsTo = (trace: readonly TracedMessage[], side: TracedMessage['side']): string[] =>
  trace
    .filter((message) => !message.byParty && message.side === side)
    .flatMap(({ text }) => method(parseSip(text)) ?? []);

/** The values of one header in the messages that FreeSWITCH sent to one side. */
export function headersTo(
  trace: readonly TracedMessage[],
  side: TracedMessage['side'],
  name: string,
  number?: string,
): string[] {
  return trace
    .filter((message) => !message.byParty && message.side === side)
    .filter((message) => number === undefined || message.number === number)
    .map(({ text }) => header(parseSip(text), name))
    .filter((value) => value !== '');
}

/** The trace as text, one message a line with the headers that show a number. */
export function formatTrace(trace: readonly TracedMessage[]): string {
  const shown =
    /^(From|To|Contact|Remote-Party-ID|P-[\w-]+|Privacy|Diversion|Refer-To|Reason|X-(?!Test-)[\w-]+):/i;
  return trace
    .map(({ at, side, number, byParty, text }) => {
      const [start = '', ...lines] = text.split('\r\n');
      const party = `${side} ${number}`;
      const arrow = byParty ? `${party} -> FS` : `FS -> ${party}`;
      return [
        `${at} ${arrow} ${start}`,
        ...lines.filter((line) => shown.test(line)).map((l) => `    ${l}`),
      ].join('\n');
    })
    .join('\n');
}
