import { z } from 'zod';
import { asyncApi } from './asyncapi.ts';
import { Decision } from './decision.ts';
import { EndpointRequest, Notification } from './endpoint.ts';
import { openApi } from './openapi.ts';

type Draft = 'draft-2020-12' | 'draft-7';

export const jsonSchema = (schema: z.ZodType, target: Draft = 'draft-2020-12') =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target });

/** For what endpoints receive: they must ignore fields of later versions. */
const openSchema = (schema: z.ZodType, target: Draft = 'draft-2020-12') =>
  z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    target,
    override: ({ jsonSchema: one }) => {
      if (one.additionalProperties === false) delete one.additionalProperties;
    },
  });

/** The contract with endpoints, as published in docs/schema and printed by `dialhook schema`. */
export const SCHEMAS = {
  request: { title: 'Request to the endpoint', ...openSchema(EndpointRequest) },
  decision: { title: 'Decision: answer of the endpoint to a request', ...jsonSchema(Decision) },
  notification: { title: 'Notification to the endpoint', ...openSchema(Notification) },
  openapi: openApi({
    EndpointRequest: openSchema(EndpointRequest),
    Decision: jsonSchema(Decision),
    Notification: openSchema(Notification),
  }),
  asyncapi: asyncApi({
    EndpointRequest: openSchema(EndpointRequest, 'draft-7'),
    Decision: jsonSchema(Decision, 'draft-7'),
    Notification: openSchema(Notification, 'draft-7'),
  }),
} as const;
export type SchemaName = keyof typeof SCHEMAS;
