import { statusPhrase } from '#libs/simulator/sip/sip-status.ts';
import type { Header } from '#test/support/cases/case-node.ts';

export type { Header };

/** One SIP request or response. Header names are as they came; look them up with `header`. */
export interface SipMessage {
  readonly start: string;
  readonly headers: readonly Header[];
  readonly body: string;
}

/** Reads what FreeSWITCH sends: full header names, no folded lines. */
export function parseSip(text: string): SipMessage {
  const end = text.indexOf('\r\n\r\n');
  const [start = '', ...lines] = (end < 0 ? text : text.slice(0, end)).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  return { start, headers, body: end < 0 ? '' : text.slice(end + 4) };
}

export function formatSip({ start, headers, body }: SipMessage): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${start}\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The first header of that name, or empty text. */
export function header(message: SipMessage, name: string): string {
  const wanted = name.toLowerCase();
  return message.headers.find(([given]) => given.toLowerCase() === wanted)?.[1] ?? '';
}

/** INVITE of a request; undefined for a response. */
export const method = (message: SipMessage): string | undefined =>
  message.start.startsWith('SIP/2.0 ') ? undefined : message.start.split(' ', 1)[0];

/** 486 of a response; 0 for a request. */
export const statusOf = (message: SipMessage): number =>
  message.start.startsWith('SIP/2.0 ') ? Number(message.start.split(' ')[1]) : 0;

/** The URI of a request line, From, To or Contact. */
export const uri = (value: string): string => /sips?:(?:[^\s>@]+@)?[^\s>;]+/.exec(value)?.[0] ?? '';

/** The user part of a URI, unescaped. */
export function user(value: string): string {
  const escaped = /^sips?:([^@]*)@/.exec(uri(value))?.[1] ?? '';
  return escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** What a response says besides what it copies from its request. */
export interface Answer {
  readonly status: number;
  /** By default the phrase of RFC 3261. */
  readonly phrase?: string | undefined;
  /** The tag of the side that responds. */
  readonly tag: string;
  /** A SIP URI. */
  readonly contact: string;
  readonly headers?: readonly Header[] | undefined;
  readonly body?: string;
}

/** A response to a request, in its dialog. */
export function response(to: SipMessage, answer: Answer): SipMessage {
  const { status, phrase, tag, contact, headers = [], body = '' } = answer;
  const copied = to.headers.filter(([name]) => /^(via|from|call-id|cseq|record-route)$/i.test(name));
  const toHeader = header(to, 'To');
  const tagged = status === 100 || /;tag=/.test(toHeader) ? toHeader : `${toHeader};tag=${tag}`;
  return {
    start: `SIP/2.0 ${status} ${phrase ?? statusPhrase(status)}`,
    headers: [
      ...copied,
      ['To', tagged],
      ['Contact', `<${contact}>`],
      ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as const]),
      ...headers,
    ],
    body,
  };
}
