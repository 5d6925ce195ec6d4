import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { ACTIONS } from '#libs/contract/endpoint.ts';
import { SCHEMAS } from '#libs/contract/json-schema.ts';
import { MESSAGES } from '#test/support/bus/messages.ts';

const { asyncapi } = SCHEMAS;
const published = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0.json');
// The file contains the schema of draft 7 itself.
const isAsyncApi = new Ajv({
  strict: false,
  validateFormats: false,
  meta: false,
  validateSchema: false,
}).compile(JSON.parse(readFileSync(published, 'utf8')) as object);

/** The value of a reference; undefined when it leads nowhere. */
const resolved = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((one, key) => (one as Record<string, unknown> | undefined)?.[key], asyncapi);

const payloadOf = (name: string) =>
  new Ajv({ strict: false, validateFormats: false }).compile(
    asyncapi.components.schemas[name as 'Decision'] as object,
  );

describe('docs/schema/endpoint.asyncapi.json', () => {
  it('is AsyncAPI 3.0', () => {
    isAsyncApi(asyncapi);
    expect(isAsyncApi.errors).toBeNull();
    expect(isAsyncApi({ ...asyncapi, operations: { x: { action: 'publish' } } })).toBe(false);
    expect(isAsyncApi({ ...asyncapi, defaultContentTypes: 'x' })).toBe(false);
  });

  it('has a message for the request and for each action', () => {
    expect(Object.keys(asyncapi.channels.endpoint.messages)).toEqual(['request', ...ACTIONS]);
    expect(asyncapi.operations.notify.messages).toHaveLength(ACTIONS.length);
  });

  it('has what every reference names', () => {
    const references = JSON.stringify(asyncapi).match(/#\/[\w/]+/g) ?? [];
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((one) => resolved(one) === undefined)).toEqual([]);
  });

  it.each(Object.values(asyncapi.components.messages))('its examples are valid: $name', (message) => {
    const isValid = payloadOf(message.name);
    for (const { payload } of ('examples' in message ? message.examples : undefined) ?? []) {
      isValid(payload);
      expect(isValid.errors).toBeNull();
    }
    expect(isValid({ action: 'other' })).toBe(false);
  });

  it('its schemas accept what notifiers send, and further fields', () => {
    const sent = MESSAGES.flatMap(({ good }) => ('notification' in good ? [good.notification] : [])).filter(
      (one) => typeof one === 'object',
    );
    expect(sent.length).toBeGreaterThan(1);
    for (const notification of sent) {
      const isValid = payloadOf(notification.action === 'ring' ? 'Ring' : 'Hangup');
      expect(isValid({ ...notification, later: 1 })).toBe(true);
      expect(isValid({ ...notification, uuid: 1 })).toBe(false);
    }
  });
});
