import { parseAllDocuments } from 'yaml';

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** As much of a Kubernetes object as the checks read. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  // biome-ignore lint/suspicious/noExplicitAny: its kind says what it is, and Kubernetes' schema is checked apart
  readonly spec?: any;
}

export interface SecretKeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: SecretKeyRef };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env: readonly EnvVariable[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly [field: string]: any;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly terminationGracePeriodSeconds?: number;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly [field: string]: any;
}

export const parseManifests = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJSON() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** The pods that a manifest makes: its own labels and spec, or those of its template. */
export function podOf(manifest: Manifest): { labels: Record<string, string>; spec: PodSpec } | undefined {
  const { kind, metadata, spec } = manifest;
  if (kind === 'Pod') return { labels: { ...metadata.labels }, spec };
  if (spec?.template?.spec === undefined) return undefined;
  return { labels: spec.template.metadata.labels, spec: spec.template.spec };
}

export const byKind = (manifests: readonly Manifest[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind } of manifests) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

export const selects = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
) => Object.entries(selector).every(([name, value]) => labels[name] === value);
