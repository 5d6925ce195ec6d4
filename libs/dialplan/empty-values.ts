import { z } from 'zod';
import { Decision } from '#libs/contract/decision.ts';

/** Whether a field of a decision is an object or a list; undefined for other types and unions. */
function kindOf(schema: unknown): 'object' | 'list' | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return kindOf(schema.unwrap());
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) return 'object';
  return schema instanceof z.ZodArray ? 'list' : undefined;
}

const KINDS = new Map(Object.entries(Decision.shape).map(([name, schema]) => [name, kindOf(schema)]));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Removes the fields whose value is null, at every level. Elements of lists are kept. */
function removeNulls(value: unknown): void {
  if (Array.isArray(value)) for (const element of value) removeNulls(element);
  else if (isObject(value))
    for (const [name, field] of Object.entries(value)) {
      if (field === null) delete value[name];
      else removeNulls(field);
    }
}

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;

function normalized(name: string, value: unknown): unknown {
  const kind = KINDS.get(name);
  if (kind === undefined || !isEmpty(value)) return value;
  return kind === 'object' ? {} : [];
}

/**
 * Gives the empty values of serializers the meaning that their authors intend: null is a field that is left out, an
 * empty list in place of an object (PHP) is an empty object, an empty object in place of a list (Lua) an empty list.
 * Changes `json`.
 */
export function normalizeEmptyValues(json: unknown): void {
  if (!isObject(json)) return;
  const { data } = json;
  removeNulls(json);
  // Echoed as it is.
  if (data !== undefined && data !== null) json['data'] = data;
  for (const [name, value] of Object.entries(json)) json[name] = normalized(name, value);
}
