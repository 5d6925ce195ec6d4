import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, stringify, type YAMLMap } from 'yaml';
import { dashboardFiles } from '../deploy/grafana/dashboards.ts';
import { nodeSchema, type Schema, schema } from './schema.ts';

/**
 * Writes values.schema.json and README.md of the chart. The description of a value is the comment above it in
 * values.yaml. `npm run generate` runs it; `npm run check` fails when a file is out of date.
 */
const chart = join(import.meta.dirname, 'dialhook');

export interface Value {
  readonly path: readonly string[];
  readonly comment: string;
  /** JSON; undefined for a value that only contains other values. */
  readonly default: string | undefined;
}

const oneLine = (comment: string | null | undefined): string =>
  (comment ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');

function valuesOf(map: YAMLMap, above: readonly string[], mapComment: string): Value[] {
  return map.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key)) throw new Error('a key of values.yaml is not a scalar');
    const path = [...above, String(key.value)];
    // The parser keeps the comment above a map's first key with the map.
    const comment = oneLine(index === 0 ? (key.commentBefore ?? mapComment) : key.commentBefore);
    const holds = isMap(value) && value.items.length > 0 && !isFree(path);
    if (holds) {
      const rest = valuesOf(value, path, oneLine(value.commentBefore));
      return comment === '' ? rest : [{ path, comment, default: undefined }, ...rest];
    }
    const json = JSON.stringify(isScalar(value) ? value.value : (value as YAMLMap).toJSON());
    return [{ path, comment, default: json }];
  });
}

/** Objects whose content is defined by Kubernetes are one value. */
const isFree = (path: readonly string[]): boolean => {
  const found = at(path);
  return found?.properties === undefined || path.at(-1) === 'resources';
};

function at(path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((found, key) => found?.properties?.[key], schema);
}

/** Every value of values.yaml with the comment above it. */
export function values(): Value[] {
  const document = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  if (!isMap(document.contents)) throw new Error('values.yaml is no map');
  return valuesOf(document.contents, [], oneLine(document.commentBefore ?? document.contents.commentBefore));
}

function withDescriptions(): Schema {
  const described = structuredClone(schema);
  for (const { path, comment } of values()) {
    const found = path.reduce<Schema | undefined>((one, key) => one?.properties?.[key], described);
    if (found === undefined) throw new Error(`${path.join('.')} is in values.yaml but not in the schema`);
    found.description = comment;
  }
  return described;
}

/** Formatted by Biome, as the style check requires. */
const formatted = (json: unknown): string =>
  execFileSync('node_modules/.bin/biome', ['format', '--stdin-file-path=values.schema.json'], {
    cwd: join(import.meta.dirname, '..'),
    input: JSON.stringify(json, undefined, 2),
    encoding: 'utf8',
  });

const cell = (content: string): string => content.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`;

const valueRows = (): string[] =>
  values().map((value) =>
    row(
      `\`${value.path.join('.')}\``,
      value.default === undefined ? '' : `\`${value.default}\``,
      value.comment,
    ),
  );

const nodeRows = (): string[] =>
  Object.entries(nodeSchema.properties ?? {}).map(([name, property]) => {
    const mark = nodeSchema.required?.includes(name) ? 'required' : '';
    return row(
      `\`${name}\``,
      property['default'] === undefined ? mark : `\`${property['default']}\``,
      property.description ?? '',
    );
  });

const EXAMPLE = stringify({
  nats: { url: 'nats://nats.messaging:4222' },
  redis: { existingSecret: { name: 'dialhook-redis', key: 'url' } },
  agents: {
    nodes: [
      { name: 'fs1', host: '10.0.0.11', existingSecret: { name: 'freeswitch' } },
      { name: 'fs2', host: '10.0.0.12', existingSecret: { name: 'freeswitch' } },
    ],
    service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/24'] },
  },
});

const readme = (): string => `# Chart dialhook

Generated from values.yaml by \`npm run generate\`; do not edit.

Installs agents for each FreeSWITCH node, routers and notifiers, and optionally the console. It needs NATS with JetStream
and Redis; the chart \`dialhook-stack\` installs both for trying out Dialhook. \`docs/kubernetes.md\` describes installation,
topologies, sizing and upgrades, \`docs/configuration.md\` the settings of the services.

\`\`\`yaml
${EXAMPLE}\`\`\`

    helm install dialhook helm/dialhook -f values.yaml
    helm test dialhook

## Values

Values that are not in these tables, and settings outside their range, are refused.

${[row('Value', 'Default', 'Description'), row('---', '---', '---'), ...valueRows()].join('\n')}

## A FreeSWITCH node

One entry of \`agents.nodes\`.

${[row('Value', 'Default', 'Description'), row('---', '---', '---'), ...nodeRows()].join('\n')}
`;

/** The generated files, by path below helm/dialhook. */
export const files = (): Readonly<Record<string, string>> => ({
  'values.schema.json': formatted(withDescriptions()),
  'README.md': readme(),
  // Copied, because a chart cannot read files outside its folder.
  'files/rules.yaml': readFileSync(join(chart, '..', '..', 'deploy', 'prometheus', 'rules.yaml'), 'utf8'),
  ...Object.fromEntries(
    Object.entries(dashboardFiles()).map(([name, text]) => [`files/dashboards/${name}`, text]),
  ),
});

if (import.meta.main)
  for (const [path, content] of Object.entries(files())) writeFileSync(join(chart, path), content);
