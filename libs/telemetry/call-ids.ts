import { hash } from 'node:crypto';
import { type Context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { isSampled } from './sampling.ts';

const digest = (text: string, length: number): string => hash('sha256', text, 'hex').slice(0, length);

/** The trace id of a call IS its uuid without the dashes; a uuid of another form (origination_uuid) is hashed. */
export function traceId(uuid: string): string {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex) ? hex : digest(uuid, 32);
}

/** The call's root span, known to every service before it exists. */
export const rootSpanId = (uuid: string): string => digest(`call ${uuid}`, 16);

/** The span of a called leg: the same whoever tells of it, so that told twice it is one. */
export const legSpanId = (uuid: string, leg: string): string => digest(`leg ${uuid} ${leg}`, 16);

/** The context under which spans of this call are made, in whatever process. */
export const callContext = (uuid: string): Context =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId(uuid),
    spanId: rootSpanId(uuid),
    traceFlags: isSampled(traceId(uuid)) ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  });
