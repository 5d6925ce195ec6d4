import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Manifest } from '#test/e2e/helm/manifests.ts';
import { MONITORING } from './monitoring.ts';

const schemas = JSON.parse(readFileSync(join(import.meta.dirname, 'schemas.json'), 'utf8')) as {
  readonly kinds: Readonly<Record<string, string>>;
  readonly $defs: Readonly<Record<string, unknown>>;
};
const compiled = new Map<string, z.ZodType>();

function schemaOf(kind: string): z.ZodType | undefined {
  if (MONITORING[kind] !== undefined) return MONITORING[kind];
  const definition = schemas.kinds[kind];
  if (definition === undefined) return undefined;
  const schema =
    compiled.get(kind) ??
    z.fromJSONSchema({ $ref: `#/$defs/${definition}`, $defs: schemas.$defs } as Parameters<
      typeof z.fromJSONSchema
    >[0]);
  compiled.set(kind, schema);
  return schema;
}

/** What Kubernetes' own schema finds wrong, in words; undefined when nothing is, or for a kind that is not its own. */
export function validate(manifest: Manifest): string | undefined {
  const schema = schemaOf(`${manifest.apiVersion}/${manifest.kind}`);
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(manifest);
  return parsed.success ? undefined : z.prettifyError(parsed.error);
}

/** Whether Kubernetes itself has this kind, as far as the chart uses it. */
export const isKnown = ({ apiVersion, kind }: Manifest): boolean => `${apiVersion}/${kind}` in schemas.kinds;
