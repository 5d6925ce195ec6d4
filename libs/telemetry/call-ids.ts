import { hash } from 'node:crypto';
import { type Context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { isSampled } from './sampling.ts';

const digest = (text: string, length: number): string => hash('sha256', text, 'hex').slice(0, length);

/** The trace id of a call: its uuid without dashes, or a hash when origination_uuid has set another form of id. */
export function traceId(uuid: string): string {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex) ? hex : digest(uuid, 32);
}

/** The id of the call's root span. Every service derives it from the uuid, before the span is emitted. */
export const rootSpanId = (uuid: string): string => digest(`call ${uuid}`, 16);

/** The id of a called leg's span: two agents of a node emit the same span. */
export const legSpanId = (uuid: string, leg: string): string => digest(`leg ${uuid} ${leg}`, 16);

/** The parent context for spans of this call, in every process. */
export const callContext = (uuid: string): Context =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId(uuid),
    spanId: rootSpanId(uuid),
    traceFlags: isSampled(traceId(uuid)) ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  });
