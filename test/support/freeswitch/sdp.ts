export type Direction = 'sendrecv' | 'sendonly' | 'inactive';

/** An offer or answer of plain telephone audio; of media only digits are ever sent. */
export const sdp = (port: number, direction: Direction = 'sendrecv'): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0 8 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');

/** The port of the audio in an SDP. */
export const mediaPort = (text: string): number => Number(/^m=audio (\d+)/m.exec(text)?.[1] ?? 0);

const STATIC: Readonly<Record<string, string>> = { 0: 'PCMU', 3: 'GSM', 8: 'PCMA', 9: 'G722', 18: 'G729' };
const NOT_SPEECH = new Set(['telephone-event', 'CN']);

/** The codec names of an offer's audio, in order. */
export function codecs(offer: string): string[] {
  const types = /^m=audio \d+ \S+ (.+)$/m.exec(offer)?.[1]?.trim().split(' ') ?? [];
  const named = new Map(
    [...offer.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm)].map(([, type, name]) => [type, name]),
  );
  const names = types.map((type) => named.get(type) ?? STATIC[type] ?? type);
  return names.filter((name) => !NOT_SPEECH.has(name) && name !== '13');
}
