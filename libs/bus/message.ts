import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Context } from '@opentelemetry/api';
import type { z } from 'zod';
import { problem } from '#libs/contract/problem.ts';
import { contextFromHeaders, isRecording, traceHeaders } from '#libs/telemetry/tracing.ts';

/** A NATS message that does not match the schema of its subject. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

function parseJson(subject: string, data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch (cause) {
    throw new MessageError(`${subject}: not JSON`, { cause });
  }
}

/** Whether the only errors are keys that the schema does not have, as in a message of a newer version. */
const hasOnlyUnknownKeys = ({ issues }: z.core.$ZodError): boolean =>
  issues.every((issue) => issue.code === 'unrecognized_keys' && !issue.keys.includes('__proto__'));

/**
 * Parses and checks a message. Keys that the schema does not have are kept: a newer version has sent them, and services
 * pass requests and notifications on. The schema must not change values.
 * @throws {MessageError} that names the first wrong field.
 */
export function readMessage<S extends z.ZodType>(schema: S, subject: string, data: Uint8Array): z.output<S> {
  const json = parseJson(subject, data);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (hasOnlyUnknownKeys(parsed.error)) return json as z.output<S>;
  throw new MessageError(`${subject}: ${problem(parsed.error, 'the message')}`);
}

/**
 * Parses a message that the reader must carry out completely. A key that the schema does not have is an error: ignoring a
 * setting that a newer version knows would carry the message out in part.
 * @throws {MessageError} that names the first wrong field.
 */
export function readInstruction<S extends z.ZodType>(
  schema: S,
  subject: string,
  data: Uint8Array,
): z.output<S> {
  const parsed = schema.safeParse(parseJson(subject, data));
  if (parsed.success) return parsed.data;
  throw new MessageError(`${subject}: ${problem(parsed.error, 'the message')}`);
}

/** The uuid of the call in a message that may be invalid, to identify it in a log line. */
export const callIn = (data: Uint8Array): { readonly call?: string } => {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  const [, call] = /"uuid":"([^"]{1,100})"/.exec(text) ?? [];
  return call === undefined ? {} : { call };
};

/** The trace context of a message. Without tracing there is none: the reader derives the same trace from the call. */
export function traceToHeaders(spanContext: Context): MsgHdrs {
  const carried = headers();
  if (!isRecording(spanContext)) return carried;
  for (const [key, value] of Object.entries(traceHeaders(spanContext))) carried.set(key, value);
  return carried;
}

export const hasTrace = (carried: MsgHdrs | undefined): boolean => carried?.has('traceparent') === true;

export const traceFromHeaders = (carried: MsgHdrs | undefined, fallback: () => Context): Context =>
  contextFromHeaders((name) => (carried?.has(name) ? carried.get(name) : undefined), fallback);
