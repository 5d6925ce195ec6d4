import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, once, onPath } from './cache.ts';
import { type Manifest, parseManifests } from './manifests.ts';

/** The chart must work with both. Helm 4 installs with server-side apply. */
const VERSIONS = { 3: 'v3.22.0', 4: 'v4.3.2' } as const;
type Major = keyof typeof VERSIONS;
/** What charts are rendered for where no server says. */
export const KUBERNETES = '1.36.0';

const root = join(import.meta.dirname, '..', '..', '..');
export const CHART = join(root, 'helm', 'dialhook');
export class HelmError extends Error {
  override readonly name = 'HelmError';
}

const isMajor = (program: string, major: Major): boolean =>
  spawnSync(program, ['version', '--template', '{{.Version}}'], { encoding: 'utf8' }).stdout?.startsWith(
    `v${major}.`,
  ) === true;

const builtPath = (major: Major): string => join(CACHE, `helm-${VERSIONS[major]}`, 'helm');

function build(major: Major): string {
  const built = builtPath(major);
  once(built, () => {
    if (onPath('go') === undefined)
      throw new HelmError(
        `helm ${major} is not on the PATH, and neither is go, with which it would be built: install one`,
      );
    console.error(`building helm ${VERSIONS[major]}: some minutes, once`);
    execFileSync('go', ['install', `helm.sh/helm/v${major}/cmd/helm@${VERSIONS[major]}`], {
      env: { ...process.env, GOBIN: dirname(built) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  return built;
}

/** On the PATH, or built before. */
function found(major: Major): string | undefined {
  const given = onPath('helm');
  if (given !== undefined && isMajor(given, major)) return given;
  return existsSync(builtPath(major)) ? builtPath(major) : undefined;
}

/** Runs helm; resolves with its output. @throws {HelmError} with its error. */
export type Helm = (...args: readonly string[]) => Promise<string>;

const runner =
  (path: string): Helm =>
  (...args) =>
    promisify(execFile)(path, args, { maxBuffer: 64 * 1024 * 1024 }).then(
      ({ stdout }) => stdout,
      (error: Error & { stdout?: string; stderr?: string }) => {
        throw new HelmError(`${error.stdout ?? ''}${error.stderr ?? error.message}`);
      },
    );

// When the file is loaded: a test has a time limit, and building takes longer.
export const helm: Helm = runner(found(3) ?? build(3));

const four = found(4);
if (four === undefined && !import.meta.main)
  console.warn('Helm 4: left out, not on the PATH; `node_modules/.bin/node test/e2e/helm/helm.ts` builds it');
/** Helm 3, and Helm 4 where there is one. */
export const HELMS: readonly { readonly name: string; readonly run: Helm }[] = [
  { name: 'Helm 3', run: helm },
  ...(four === undefined ? [] : [{ name: 'Helm 4', run: runner(four) }]),
];

/** The chart as YAML, as it would be installed. */
export const renderText = (...args: readonly string[]): Promise<string> => renderWith(helm, ...args);

export const renderWith = (run: Helm, ...args: readonly string[]): Promise<string> =>
  run('template', 'dialhook', CHART, '--namespace', 'telephony', '--kube-version', KUBERNETES, ...args);

export const render = async (...args: readonly string[]): Promise<Manifest[]> =>
  parseManifests(await renderText(...args));

/** The NOTES that helm prints after an installation. Without a server it shows none, so they become a manifest here. */
export async function notes(...args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dialhook-chart-'));
  try {
    cpSync(CHART, folder, { recursive: true });
    cpSync(join(CHART, 'templates', 'NOTES.txt'), join(folder, 'notes'));
    writeFileSync(
      join(folder, 'templates', 'notes.yaml'),
      '{{ dict "text" (tpl (.Files.Get "notes") .) | toYaml }}\n',
    );
    const flags = [
      '--namespace',
      'telephony',
      '--kube-version',
      KUBERNETES,
      '--show-only',
      'templates/notes.yaml',
    ];
    const [manifest] = parseManifests(await helm('template', 'dialhook', folder, ...flags, ...args));
    return (manifest as unknown as { text: string }).text;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// `node test/e2e/helm/helm.ts` builds Helm 4, unless there is one.
if (import.meta.main) console.log(found(4) ?? build(4));
