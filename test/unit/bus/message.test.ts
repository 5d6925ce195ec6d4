import { describe, expect, it } from 'vitest';
import { MessageError, readInstruction, readMessage } from '#libs/bus/message.ts';
import { ProgressEvent } from '#libs/contract/messages.ts';
import { replyOfText } from '#libs/dialplan/answer.ts';
import { MESSAGES } from '#test/support/bus/messages.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
/** Fields whose keys are names that somebody else has chosen. */
const RECORDS = new Set(['variables', 'checks', 'figures']);

/** The message as a newer version may send it: each object in it has one more key. */
function newer(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => newer(one));
  if (typeof value !== 'object' || value === null || RECORDS.has(field)) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, newer(one, key)]);
  return { ...Object.fromEntries(entries), since_next_version: { unit: 'ms' } };
}

const named = MESSAGES.map((message) => ({
  name: JSON.stringify(message.good).slice(0, 60),
  exact: 'exact' in message,
  ...message,
}));

describe('a message between services of different versions', () => {
  it.each(named)('is read as it was sent: $name', ({ schema, good, exact }) => {
    expect((exact ? readInstruction : readMessage)(schema, 's', bytes(good))).toEqual(good);
  });

  it.each(named.filter(({ exact }) => !exact))('keeps keys of a newer version: $name', ({ schema, good }) => {
    expect(readMessage(schema, 's', bytes(newer(good)))).toEqual(newer(good));
  });

  it.each(named.filter(({ exact }) => exact))('is not carried out in part: $name', ({ schema, good }) => {
    expect(() => readInstruction(schema, 's', bytes(newer(good)))).toThrow(/has unknown keys: since_next/);
  });

  it.each([
    [{ v: 2 }, /v /],
    [{ url: 1 }, /url is missing or is not text/],
    [JSON.parse('{"__proto__": {"x": 1}}') as object, /unknown keys: next, __proto__/],
  ])('is refused for any other error, also with unknown keys: %j', (wrong, error) => {
    const { good } = MESSAGES.find(({ schema }) => schema === ProgressEvent) ?? { good: {} };
    const text = JSON.stringify({ ...good, next: 1 }).slice(0, -1);
    const message = Buffer.from(`${text},${JSON.stringify(wrong).slice(1)}`);
    const read = () => readMessage(ProgressEvent, 's', message);
    expect(read).toThrow(MessageError);
    expect(read).toThrow(error);
  });
});

// An agent refuses a plan with a key that it does not have. A router that is updated first would stop every call, if its
// plans had a new key for decisions without the new field.
it('the plan of a decision has a key only for a field of the decision', () => {
  const keysOf = (decision: object) => {
    const reply = replyOfText(JSON.stringify(decision));
    return reply.result === 'decided' ? Object.keys(reply.plan).toSorted() : reply;
  };
  expect(keysOf({ dial: { type: 'gateway', gateway: 'gw', number: '1' } })).toEqual([
    'groups',
    'on_fail',
    'on_redirect',
    'pass_headers',
    'variables',
  ]);
  expect(keysOf({ dial: { type: 'hangup', cause: 17 } })).toEqual(['hangup']);
});
