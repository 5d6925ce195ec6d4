export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/** YAML with block mappings; lists and texts are written as JSON, which YAML contains. Keys without a value are left out. */
export function yaml(value: { readonly [key: string]: Yaml | undefined }, indent = ''): string {
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([key, one]) =>
      typeof one === 'object' && !Array.isArray(one)
        ? `${indent}${key}:\n${yaml(one as { readonly [key: string]: Yaml }, `${indent}  `)}`
        : `${indent}${key}: ${JSON.stringify(one)}\n`,
    )
    .join('');
}
