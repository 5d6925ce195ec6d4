import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { jsonSchema, SCHEMAS } from '#libs/contract/json-schema.ts';
import { AgentSettings } from '#services/agent/config.ts';
import { COMMANDS } from '#services/cli/commands.ts';
import { commandPage } from '#services/cli/help.ts';
import { ConsoleSettings } from '#services/console/config.ts';
import { openApi } from '#services/console/openapi.ts';
import { NotifierSettings } from '#services/notifier/config.ts';
import { RouterSettings } from '#services/router/config.ts';
import { dashboardFiles } from '../deploy/grafana/dashboards.ts';
import { logEventsPage } from './log-events-page.ts';
import { metricsPage } from './metrics-page.ts';
import { contractPage } from './refused-variables.ts';
import { typeDeclaration } from './types.ts';

/** Writes the pages that are generated from schemas and lists. `npm run generate` runs it; `npm run check` fails when a page is out of date. */

interface JsonProperty {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
  readonly secret?: boolean;
}

function kindOf({ type, enum: values, minimum, maximum, unit, secret }: JsonProperty): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (secret) return 'secret';
  const range = minimum !== undefined && maximum !== undefined ? ` ${minimum} to ${maximum}` : '';
  return type === 'integer' || type === 'number' ? `number${range}${unit ? ` (${unit})` : ''}` : 'text';
}

function defaultOf(setting: z.ZodType, { secret }: JsonProperty): string {
  const { data: value } = setting.safeParse(undefined);
  if (value === undefined) return 'not set';
  if (secret) return 'see below';
  if ((Array.isArray(value) && value.length === 0) || (value instanceof Map && value.size === 0))
    return 'none';
  return `\`${Array.isArray(value) ? value.join(',') : String(value)}\``;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(settings: z.ZodObject): string {
  const properties = (jsonSchema(settings).properties ?? {}) as Record<string, JsonProperty>;
  const rows = Object.entries(properties).map(([name, property]) =>
    [
      `\`${name}\``,
      kindOf(property),
      defaultOf(settings.shape[name] as z.ZodType, property),
      property.description ?? '',
    ]
      .map(cell)
      .join(' | '),
  );
  return [
    '| Variable | Value | Default | Description |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

const configuration = `# Configuration

Generated from the schemas by \`npm run generate\`; do not edit.

Every setting is an environment variable. An empty variable counts as not set. An invalid or contradictory setting stops
the start with exit code 78 and one line for each error. A secret can be read from a file: \`NAME_FILE\` is the path of the
file with the secret NAME. The standard \`OTEL_*\` variables of OpenTelemetry are supported: traces are exported if
\`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT\` is set, [metrics](metrics.md) are pushed if
\`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\` is set. \`OTEL_TRACES_SAMPLER\` and
\`OTEL_TRACES_SAMPLER_ARG\` choose the share of calls that is traced; [failed calls](architecture.md#traces) are always
traced.

## Agent

One or two for each FreeSWITCH node.

${table(AgentSettings)}

The default of \`FREESWITCH_PASSWORD\` is FreeSWITCH's own default, \`ClueCon\`.

With \`EMBEDDED_ROUTER=on\` an agent also has the settings of the [router](#router) from \`ENDPOINT_METHOD\` on. Without it they
are ignored.

## Router

${table(RouterSettings)}

## Notifier

${table(NotifierSettings)}

The default of \`REDIS_URL\` is \`redis://127.0.0.1:6379\`.

## Console

\`REDIS_URL\` and \`QUEUE_PREFIX\` must be those of the notifiers. The tokens have no default: at least one must be set.

${table(ConsoleSettings)}
`;

const page = (schema: object): string => `${JSON.stringify(schema, undefined, 2)}\n`;

const commandLine = `# Command line

Generated from the commands by \`npm run generate\`; do not edit.

In a clone, run \`npx dialhook COMMAND\` or \`npm run dialhook -- COMMAND\`; in the image, \`services/cli/main.ts COMMAND\`.
The default output is a table; \`--json\` prints one line of JSON. Results go to standard output, everything else to standard
error. Output is coloured only on a terminal; \`NO_COLOR\` and \`FORCE_COLOR\` override that.

Exit codes of every command: 0 success; 1 as described below; 64 wrong usage; 78 invalid configuration.

${COMMANDS.map(commandPage).join('\n\n')}
`;

const endpointTypes = `// Generated from the schemas by \`npm run generate\`; do not edit.

${typeDeclaration('EndpointRequest', SCHEMAS.request.title, SCHEMAS.request as object)}
${typeDeclaration('Decision', SCHEMAS.decision.title, SCHEMAS.decision as object)}
${typeDeclaration('Notification', SCHEMAS.notification.title, SCHEMAS.notification as object)}`;

/** The generated pages, by path below docs/. */
export const pages: Readonly<Record<string, string>> = {
  'configuration.md': configuration,
  'contract.md': contractPage(),
  'metrics.md': metricsPage(),
  'log-events.md': logEventsPage(),
  ...Object.fromEntries(
    Object.entries(dashboardFiles()).map(([name, text]) => [`../deploy/grafana/${name}`, text]),
  ),
  'schema/request.schema.json': page(SCHEMAS.request),
  'schema/decision.schema.json': page(SCHEMAS.decision),
  'schema/notification.schema.json': page(SCHEMAS.notification),
  'schema/endpoint.openapi.json': page(SCHEMAS.openapi),
  'schema/endpoint.asyncapi.json': page(SCHEMAS.asyncapi),
  '../libs/endpoint/contract.ts': endpointTypes,
  'cli.md': commandLine,
  'schema/console.openapi.json': page(openApi),
};

if (import.meta.main)
  for (const [path, text] of Object.entries(pages)) writeFileSync(join(import.meta.dirname, path), text);
