import { header, method, parseSip, statusOf } from '#test/support/freeswitch/sip-message.ts';
import type { TracedMessage } from '#test/support/freeswitch/sip-trace.ts';

/** Headers that carry identities, and custom ones. */
const SHOWN =
  /^(From|To|Remote-Party-ID|P-[\w-]+|Privacy|Diversion|Referred-By|Reason|User-to-User|K-\w+|X-(?!Test-)[\w-]+):/i;
/** Values that differ from call to call or from host to host. */
const NOISE: readonly [RegExp, string][] = [
  [/;tag=[^;>]+/g, ''],
  [/@[^>;\s]+/g, '@host'],
  [/pickup-[\w-]+/g, 'pickup'],
  [/;transport=udp/gi, ''],
  [/^X-FS-Support:.*/, ''],
  [/" *</g, '" <'],
];

/** `INVITE` or `180 INVITE`, with the headers that show something; undefined for 100 and ACK. */
function summary({ text, number }: TracedMessage): string | undefined {
  const message = parseSip(text);
  const [, of = ''] = header(message, 'CSeq').split(' ');
  const name = method(message) ?? `${statusOf(message)} ${of}`;
  if (name === 'ACK' || name.startsWith('100 ')) return undefined;
  const plain = (line: string): string =>
    NOISE.reduce((all, [noise, replacement]) => all.replace(noise, replacement), line);
  const [head = ''] = text.split('\r\n\r\n');
  const shown = head.split('\r\n').filter((line) => SHOWN.test(line));
  const lines = shown.map(plain).filter((line) => line !== '');
  const body = name === 'INFO' ? [message.body.trim()] : [];
  return [`${plain(number)} ${name}`, ...lines.toSorted(), ...body].join('\n  ');
}

/** What FreeSWITCH sent to one side, without what it sent again; the messages to each number in order. */
export function shownTo(trace: readonly TracedMessage[], side: TracedMessage['side']): string[] {
  const sent = trace
    .filter((message) => message.side === side && !message.byParty)
    .toSorted((one, other) => one.number.localeCompare(other.number))
    .map(summary)
    .filter((text) => text !== undefined);
  return sent.filter((one, index) => one !== sent[index - 1]);
}
