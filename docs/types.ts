/** Converts a JSON Schema to plain TypeScript types, which endpoints can use without a schema library. */

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

const NAMES: Readonly<Record<string, string>> = { integer: 'number', null: 'null' };

const union = (types: readonly string[]): string => [...new Set(types)].join(' | ');

const comment = ({ description }: Schema, indent: string): string =>
  description === undefined ? '' : `${indent}/** ${description} */\n`;

function objectType(
  { properties = {}, required = [], additionalProperties }: Schema,
  indent: string,
): string {
  if (typeof additionalProperties === 'object')
    return `Readonly<Record<string, ${typeOf(additionalProperties, indent)}>>`;
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(schema, inner)}${inner}readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema, inner)}${required.includes(name) ? '' : ' | undefined'};\n`,
  );
  return `{\n${fields.join('')}${indent}}`;
}

function typeOf(schema: Schema, indent = ''): string {
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives && schema.properties === undefined)
    return union(alternatives.map((one) => typeOf(one, indent)));
  if (Array.isArray(schema.type))
    return union(schema.type.map((type: string) => typeOf({ ...schema, type }, indent)));
  if (schema.type === 'array') return `readonly (${typeOf(schema.items ?? {}, indent)})[]`;
  if (schema.type === 'object') return objectType(schema, indent);
  const type = String(schema.type ?? 'unknown');
  return NAMES[type] ?? type;
}

/** `export type NAME = ...;` */
export const typeDeclaration = (name: string, title: string, schema: Schema): string =>
  `/** ${title} */\nexport type ${name} = ${typeOf(schema)};\n`;
