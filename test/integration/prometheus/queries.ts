import { ATTRIBUTES, type AttributeName } from '#libs/telemetry/attributes.ts';
import { catalogue, type Kind, prometheusLabel, prometheusName } from '#libs/telemetry/catalogue.ts';

/** Compares a PromQL query with the metrics catalogue. */

const SUFFIXES: Readonly<Record<Kind, readonly string[]>> = {
  counter: ['_total'],
  'observed counter': ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum'],
};
/** Labels that Prometheus adds. */
const OF_PROMETHEUS = ['job', 'instance'];

/** Labels by name of the series. */
const labelsByName = new Map(
  Object.entries(catalogue).flatMap(([name, { unit, kind, attributes }]) =>
    SUFFIXES[kind].map((suffix) => {
      const own = attributes.map((one: AttributeName) => prometheusLabel(one));
      const le = suffix === '_bucket' ? ['le'] : [];
      return [`${prometheusName(name, unit, kind)}${suffix}`, new Set([...own, ...le])] as const;
    }),
  ),
);

/** The values that a label can have, when they are a closed list. */
const valuesByLabel = new Map(
  Object.entries(ATTRIBUTES).flatMap(([name, attribute]) =>
    'values' in attribute
      ? [[prometheusLabel(name as AttributeName), new Set<string>(attribute.values)] as const]
      : [],
  ),
);

/** The catalogue's names of the metrics that a query or a list of series uses. */
export function metricsOf(text: string): string[] {
  const names = new Set(text.match(/\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g));
  return Object.entries(catalogue)
    .filter(([name, { unit, kind }]) =>
      SUFFIXES[kind].some((suffix) => names.has(`${prometheusName(name, unit, kind)}${suffix}`)),
    )
    .map(([name]) => name);
}

const words = (text: string): string[] => text.split(',').map((word) => word.trim());

/** The metrics, labels and label values of a query that the catalogue does not have, as sentences. */
export function problems(expr: string): string[] {
  const wrong: string[] = [];
  const labels = new Set(OF_PROMETHEUS);
  const selectors = [...expr.matchAll(/\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b(?!\s*[(=!~])(?:\{([^}]*)\})?/g)];
  const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap((m) =>
    words(m[1] ?? ''),
  );
  const names = selectors.filter(([, name = '']) => !grouped.includes(name));
  if (names.length === 0) wrong.push('no metric');
  for (const [, name = '', filters = ''] of names) {
    const known = labelsByName.get(name);
    if (known === undefined) {
      wrong.push(`no metric ${name}`);
      continue;
    }
    for (const label of known) labels.add(label);
    for (const [, label = '', operator, value = ''] of filters.matchAll(
      /([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g,
    )) {
      if (!known.has(label) && !OF_PROMETHEUS.includes(label)) wrong.push(`${name} has no ${label}`);
      const isExact = operator === '=' || operator === '!=';
      if (isExact && value !== '' && valuesByLabel.get(label)?.has(value) === false)
        wrong.push(`${label} is never "${value}"`);
    }
  }
  for (const label of grouped) if (!labels.has(label)) wrong.push(`nothing here has ${label}`);
  return wrong;
}
