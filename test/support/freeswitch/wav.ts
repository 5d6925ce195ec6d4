import { readFile } from 'node:fs/promises';

const HEADER_BYTES = 44;
const FRAME_MS = 20;
/** Mean magnitude of 16-bit samples from which a frame of 20 ms counts as sound. */
const LOUD = 1000;

/** A recording of FreeSWITCH: WAV with a header of 44 bytes and samples of 16 bits. */
export interface Wav {
  readonly bytes: number;
  readonly channels: number;
  readonly rate: number;
  /** The length by its header, ms; 0 when the writer has not closed the file. */
  readonly headerMs: number;
  /** The length by its size, ms. */
  readonly ms: number;
  /** How long there is sound on a channel, ms. */
  loudMs(channel: number): number;
}

export async function readWav(path: string): Promise<Wav> {
  const data = await readFile(path);
  const channels = data.readUInt16LE(22);
  const rate = data.readUInt32LE(24);
  const lengthOf = (bytes: number) => (bytes / 2 / channels / rate) * 1000;
  const samples = new Int16Array(
    data.buffer.slice(data.byteOffset + HEADER_BYTES).slice(0, (data.length - HEADER_BYTES) & ~1),
  );
  const frame = (rate * FRAME_MS) / 1000;
  const frames = Math.floor(samples.length / channels / frame);
  const isLoud = (channel: number, at: number): boolean => {
    let sum = 0;
    for (let index = 0; index < frame; index++)
      sum += Math.abs(samples[(at * frame + index) * channels + channel] ?? 0);
    return sum / frame > LOUD;
  };
  return {
    bytes: data.length,
    channels,
    rate,
    headerMs: lengthOf(data.readUInt32LE(40)),
    ms: lengthOf(data.length - HEADER_BYTES),
    loudMs: (channel) =>
      FRAME_MS * Array.from({ length: frames }, (_, at) => at).filter((at) => isLoud(channel, at)).length,
  };
}
