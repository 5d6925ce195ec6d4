import { createHash } from 'node:crypto';
import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { callContext, rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';

const UUID = 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f';
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

describe('traceId', () => {
  it.each([
    [UUID, 'e6ffd4ce54f44cc98edfad14634e844f'],
    [UUID.toUpperCase(), 'e6ffd4ce54f44cc98edfad14634e844f'],
    ['mine', sha('mine').slice(0, 32)],
    ['', sha('').slice(0, 32)],
    ['00000000-0000-0000-0000-000000000000', sha('00000000-0000-0000-0000-000000000000').slice(0, 32)],
    [`${UUID}0`, sha(`${UUID}0`).slice(0, 32)],
  ])('of %s is %s', (uuid, id) => expect(traceId(uuid)).toBe(id));
});

describe('rootSpanId', () => {
  it('is the same in every process and another for every call', () => {
    expect(rootSpanId(UUID)).toBe(sha(`call ${UUID}`).slice(0, 16));
    expect(rootSpanId(UUID)).not.toBe(rootSpanId(`${UUID}0`));
  });
});

describe('callContext', () => {
  it('makes a valid, sampled parent', () => {
    const parent = trace.getSpanContext(callContext(UUID));
    expect(parent).toMatchObject({
      traceId: traceId(UUID),
      spanId: rootSpanId(UUID),
      traceFlags: 1,
      isRemote: true,
    });
    expect(parent && trace.wrapSpanContext(parent).spanContext()).toEqual(parent);
  });
});
