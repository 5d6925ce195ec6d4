import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Decision } from '#libs/contract/decision.ts';
import { ACTIONS, EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { SCHEMAS } from '#libs/contract/json-schema.ts';

const { openapi } = SCHEMAS;
const { post } = openapi.paths['/'];
const Message = z.union([EndpointRequest, Notification]);

describe('docs/schema/endpoint.openapi.json', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(openapi) as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect([result.valid, validator.version]).toEqual([true, '3.1']);
    const broken = await new Validator().validate({ ...structuredClone(openapi), paths: { x: { post: 1 } } });
    expect(broken.valid).toBe(false);
  });

  it.each(Object.entries(post.requestBody.content['application/json'].examples))(
    'its example of a body is one: %s',
    (name, example) => {
      const { value } = example as { value: { action: string } };
      expect(Message.parse(value)).toEqual(value);
      expect(value.action).toBe(name);
    },
  );

  it.each(Object.entries(post.responses[200].content['application/json'].examples))(
    'its example of a decision is one: %s',
    (_, example) => {
      expect(Decision.safeParse((example as { value: unknown }).value).error).toBeUndefined();
    },
  );

  it('has a webhook for the request and for each action', () => {
    expect(Object.keys(openapi.webhooks)).toEqual(['request', ...ACTIONS]);
    for (const [action, { post: one }] of Object.entries(openapi.webhooks)) {
      const name =
        one.requestBody.content['application/json'].schema['$ref']?.toString().split('/').at(-1) ?? '';
      const schema = openapi.components.schemas[name as 'Notification'] as object;
      expect(JSON.stringify(schema)).toContain(`"action":{"type":"string","const":"${action}"}`);
    }
  });

  it('has a definition for every reference', () => {
    const references = JSON.stringify(openapi).match(/#\/components\/schemas\/\w+/g) ?? [];
    expect(new Set(references.map((one) => one.split('/').at(-1)))).toEqual(
      new Set(Object.keys(openapi.components.schemas)),
    );
  });
});
