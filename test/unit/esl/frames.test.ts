import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeHeaders, type Frame, FrameError, FrameParser, rawHeaders } from '#libs/esl/frames.ts';
import { framesOf, RECORDINGS, recorded } from '#test/support/esl/recordings.ts';

interface Parsed {
  readonly frames: Frame[];
  readonly errors: Error[];
}

/** The frames that the parser makes of these chunks. */
function parse(chunks: readonly (Buffer | string)[], onFrame?: (frame: Frame) => void): Parsed {
  const socket = new EventEmitter();
  const parsed: Parsed = { frames: [], errors: [] };
  const parser = new FrameParser(socket as unknown as Socket, (frame) => {
    parsed.frames.push(frame);
    onFrame?.(frame);
  });
  parser.on('error', (error: Error) => parsed.errors.push(error));
  for (const chunk of chunks) socket.emit('data', typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return parsed;
}

/** Every byte near the frame boundaries at the end of a recording is a split position; before them each 17th byte is. */
const SPLITS_AT_END = 600;
const SPLIT_STEP = 17;

const REPLY = 'Content-Type: command/reply\nReply-Text: +OK\n\n';

describe('FrameParser', () => {
  it.each(RECORDINGS)('parses the recording %s into its frames', (name) => {
    for (const stream of ['outbound.from-freeswitch', 'inbound.from-freeswitch'] as const) {
      const bytes = recorded(name, stream);
      const { frames, errors } = parse([bytes]);
      expect(errors).toEqual([]);
      expect(frames).toHaveLength(framesOf(bytes).length);
    }
  });

  it('parses the same frames wherever the stream is split', () => {
    const bytes = recorded('answered', 'outbound.from-freeswitch');
    const whole = parse([bytes]);
    expect(whole.frames.map((frame) => frame.type)).toEqual([
      ...Array(4).fill('command/reply'),
      'text/disconnect-notice',
    ]);
    const last = bytes.length - SPLITS_AT_END;
    for (let at = 1; at < bytes.length; at += at < last ? SPLIT_STEP : 1) {
      const split = parse([bytes.subarray(0, at), bytes.subarray(at)]);
      if (!isDeepStrictEqual(split, whole)) expect(split, `split at ${at}`).toEqual(whole);
    }
  });

  it('parses the same frames byte by byte', () => {
    for (const stream of ['outbound.from-freeswitch', 'inbound.from-freeswitch'] as const) {
      const bytes = recorded('caller-gives-up-waiting', stream);
      expect(parse(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(parse([bytes]));
    }
  });

  it('does not wait for bytes beyond the end of a frame with a body', () => {
    const body = 'Content-Type: api/response\nContent-Length: 1000\n\n';
    const { frames } = parse([body, 'x'.repeat(1000), REPLY]);
    expect(frames.map((frame) => frame.type)).toEqual(['api/response', 'command/reply']);
  });

  it('keeps a bare percent sign', () => {
    const { frames, errors } = parse(['Content-Type: command/reply\nReply-Text: 50% off, %zz\n\n', REPLY]);
    expect(errors).toEqual([]);
    expect(frames.map((frame) => frame.headers['Reply-Text'])).toEqual(['50% off, %zz', '+OK']);
  });

  it('measures a body in bytes', () => {
    const { frames } = parse([`Content-Type: api/response\nContent-Length: 6\n\n张三${REPLY}`]);
    expect(frames.map((frame) => frame.body.toString())).toEqual(['张三', '']);
  });

  it('delivers later frames after a handler threw', () => {
    const fault = new Error('a handler');
    const { frames, errors } = parse([REPLY + REPLY], () => {
      throw fault;
    });
    expect(frames).toHaveLength(2);
    expect(errors).toEqual([fault, fault]);
  });

  it.each([
    ['negative', '-1'],
    ['beyond the limit', String((64 << 20) + 1)],
    ['huge', '1e300'],
    ['no number', 'many'],
  ])('refuses a length that is %s', (_, length) => {
    const { frames, errors } = parse([`Content-Type: api/response\nContent-Length: ${length}\n\n`]);
    expect(frames).toEqual([]);
    expect(errors).toEqual([expect.any(FrameError)]);
  });

  it('parses a body of many megabytes', () => {
    const body = Buffer.alloc(64 << 20, 'x');
    const { frames, errors } = parse([
      `Content-Type: api/response\nContent-Length: ${body.length}\n\n`,
      body,
    ]);
    expect(errors).toEqual([]);
    expect(frames[0]?.body.length).toBe(body.length);
  });

  it.each([
    ['with an end', Buffer.concat([Buffer.alloc((1 << 20) + 1, 'x'), Buffer.from('\n\n')])],
    ['without end', Buffer.alloc((1 << 20) + 1, 'x')],
  ])('refuses headers of more than a megabyte, %s', (_, bytes) => {
    const { frames, errors } = parse([bytes]);
    expect(frames).toEqual([]);
    expect(errors).toEqual([expect.any(FrameError)]);
  });

  it('parses a header block and a body byte by byte in linear time', () => {
    const padding = 'x'.repeat(100_000);
    const bytes = Buffer.from(
      `Content-Type: api/response\nX: ${padding}\nContent-Length: 100000\n\n${padding}`,
    );
    const { frames, errors } = parse(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
    expect(errors).toEqual([]);
    expect(frames.map(({ body }) => body.length)).toEqual([100_000]);
  });

  it('parses garbage as a frame without a type', () => {
    expect(parse(['SSH-2.0-OpenSSH_9.2\n\n']).frames).toMatchObject([{ type: '', headers: {} }]);
    expect(parse(['HTTP/1.1 400 Bad Request\r\n\r\n'])).toEqual({ frames: [], errors: [] });
  });
});

describe('decodeHeaders', () => {
  const parseHeaders = (block: string) => decodeHeaders(rawHeaders(Buffer.from(block)));

  it('URL-decodes only channel data', () => {
    expect(parseHeaders('Socket-Mode: static\nCaller: %E5%BC%A0%25')).toMatchObject({ Caller: '张%' });
    expect(parseHeaders('Reply-Text: %E5%BC%A0%25')).toEqual({ 'Reply-Text': '%E5%BC%A0%25' });
  });

  it('splits at the first colon and ignores lines without one', () => {
    expect(parseHeaders('a: b: c\nnonsense\n: x\nd:e')).toEqual({ a: 'b: c' });
  });
});
