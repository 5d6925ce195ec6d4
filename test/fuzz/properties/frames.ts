import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { type Frame, FrameError, FrameParser } from '#libs/esl/frames.ts';
import { decodeHeader, decodeText, parseJson } from '#libs/esl/text.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { countExecuted, only, same, timed } from '../property.ts';

/** Parses the chunks. */
function parsed(chunks: readonly Buffer[]): { frames: Frame[]; errors: unknown[] } {
  const socket = new EventEmitter();
  const found = { frames: [] as Frame[], errors: [] as unknown[] };
  const parser = new FrameParser(socket as Socket, (frame) => found.frames.push(frame));
  parser.on('error', (error) => found.errors.push(error));
  for (const chunk of chunks) socket.emit('data', chunk);
  return found;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const cuts = fc.array(fc.nat(4000), { maxLength: 12 });
const oneLine = (arbitrary: fc.Arbitrary<string>) => arbitrary.map((one) => one.replaceAll(/[\r\n\0]/g, ' '));

export const frames = ({ text }: Arbitraries) =>
  fc.property(
    fc.array(
      fc.record({
        type: fc.constantFrom(
          'command/reply',
          'text/event-json',
          'api/response',
          'text/disconnect-notice',
          'x',
        ),
        reply: oneLine(text),
        body: fc.oneof(
          text.map((one) => Buffer.from(one)),
          fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
        ),
      }),
      { maxLength: 4 },
    ),
    cuts,
    timed((sent, places) => {
      const bytes = Buffer.concat(
        sent.flatMap(({ type, reply, body }) => [
          Buffer.from(`Content-Type: ${type}\nReply-Text: ${reply}\nContent-Length: ${body.length}\n\n`),
          body,
        ]),
      );
      const { frames: heard, errors } = parsed(cut(bytes, places));
      same('errors', errors, []);
      same(
        'frames',
        heard.map(({ type, headers, body }) => [type, headers['Reply-Text'], body.toString('hex')]),
        sent.map(({ type, reply, body }) => [type, Buffer.from(reply).toString(), body.toString('hex')]),
      );
      countExecuted();
    }),
  );

export const brokenFrames = ({ text }: Arbitraries) =>
  fc.property(
    fc.array(
      fc.oneof(
        text,
        fc.constantFrom(
          ...['\n', '\n\n', 'Content-Length: ', 'Content-Type: ', '-1', '99999999999', '5', '0x10', '1e9'],
        ),
        fc.constantFrom('Event-Name: CHANNEL_DATA\n', '__proto__: x\n', 'constructor: y\n', ': z\n'),
      ),
      { maxLength: 12 },
    ),
    fc.uint8Array({ maxLength: 20 }),
    cuts,
    timed((pieces, binary, places) => {
      const bytes = Buffer.concat([Buffer.from(pieces.join('')), binary]);
      const { errors } = parsed(cut(bytes, places));
      if (errors.length === 0) countExecuted();
      for (const error of errors) if (!(error instanceof FrameError)) throw error;
      decodeText(bytes);
      decodeHeader(pieces.join('%'));
      only([SyntaxError], () => parseJson(bytes));
    }),
  );
