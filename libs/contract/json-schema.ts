import { z } from 'zod';
import { Decision } from './decision.ts';
import { EndpointRequest, Notification } from './endpoint.ts';
import { openApi } from './openapi.ts';

export const jsonSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

const titled = (title: string, schema: z.ZodType) => ({ title, ...jsonSchema(schema) });

/** The contract with endpoints, as published in docs/schema and printed by `dialhook schema`. */
export const SCHEMAS = {
  request: titled('Request to the endpoint', EndpointRequest),
  decision: titled('Decision: answer of the endpoint to a request', Decision),
  notification: titled('Notification to the endpoint', Notification),
  openapi: openApi({
    EndpointRequest: jsonSchema(EndpointRequest),
    Decision: jsonSchema(Decision),
    Notification: jsonSchema(Notification),
  }),
} as const;
export type SchemaName = keyof typeof SCHEMAS;
