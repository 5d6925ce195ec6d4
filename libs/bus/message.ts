import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Context } from '@opentelemetry/api';
import type { z } from 'zod';
import { problem } from '#libs/contract/problem.ts';
import { contextFromHeaders, traceHeaders } from '#libs/telemetry/tracing.ts';

/** A NATS message that does not match the schema of its subject. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** Parses and checks a message. @throws {MessageError} that names the first wrong field. */
export function readMessage<S extends z.ZodType>(schema: S, subject: string, data: Uint8Array): z.output<S> {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch (cause) {
    throw new MessageError(`${subject}: not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new MessageError(`${subject}: ${problem(parsed.error)}`);
}

export function traceToHeaders(spanContext: Context): MsgHdrs {
  const carried = headers();
  for (const [key, value] of Object.entries(traceHeaders(spanContext))) carried.set(key, value);
  return carried;
}

export const traceFromHeaders = (carried: MsgHdrs | undefined, fallback: () => Context): Context =>
  contextFromHeaders((name) => (carried?.has(name) ? carried.get(name) : undefined), fallback);
