/** Mean magnitude of mu-law samples, 0 (silence) to 127, from which a packet counts as sound. */
const LOUD = 32;
const HEADER_BYTES = 12;
const PCMU = 0;

/** Whether a datagram is RTP: version 2. SIP begins with a letter. */
export const isRtp = (data: Buffer): boolean => ((data[0] ?? 0) & 0xc0) === 0x80;

/** Whether an RTP packet of PCMU has sound in it. A mu-law sample is inverted: 0x7f and 0xff are silence. */
export function isLoud(packet: Buffer): boolean {
  const samples = packet.subarray(HEADER_BYTES);
  if (((packet[1] ?? 0) & 0x7f) !== PCMU || samples.length === 0) return false;
  const sum = samples.reduce((total, sample) => total + (0x7f - (sample & 0x7f)), 0);
  return sum / samples.length > LOUD;
}

/** Time between two packets of a telephone event. */
export const PACKET_MS = 20;
const TELEPHONE_EVENT = 101;
const KEYS = '0123456789*#ABCD';
const SAMPLES = 160;
const PACKETS = 4;
const END = 0x80;
const VOLUME = 10;

let sequence = 0;
let timestamp = 0;

/** One period of 400 Hz at 8 kHz, loud, as mu-law samples. */
const TONE = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

function nextHeader(packet: Buffer, type: number): void {
  packet[0] = 0x80;
  packet[1] = type;
  sequence = (sequence + 1) & 0xffff;
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(timestamp, 4);
  packet.writeUInt32BE(0x0dab, 8);
}

/** The next RTP packet of a tone, 20 ms of PCMU. */
export function tonePacket(): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES + SAMPLES);
  timestamp += SAMPLES;
  nextHeader(packet, PCMU);
  for (let at = 0; at < SAMPLES; at++) packet[HEADER_BYTES + at] = TONE[at % TONE.length] ?? 0;
  return packet;
}

/** The RTP packets of one digit (RFC 4733), the last three of which say that it has ended. */
export function telephoneEvent(digit: string): Buffer[] {
  const event = KEYS.indexOf(digit.toUpperCase());
  timestamp += 10 * SAMPLES;
  return Array.from({ length: PACKETS + 3 }, (_, index) => {
    const packet = Buffer.alloc(HEADER_BYTES + 4);
    nextHeader(packet, TELEPHONE_EVENT | (index === 0 ? 0x80 : 0));
    packet[12] = event;
    packet[13] = VOLUME | (index >= PACKETS ? END : 0);
    packet.writeUInt16BE(Math.min(index + 1, PACKETS) * SAMPLES, 14);
    return packet;
  });
}
