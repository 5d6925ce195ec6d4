import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, once, onPath } from './cache.ts';
import { type Manifest, parseManifests } from './manifests.ts';

const VERSION = 'v3.22.0';
/** What charts are rendered for where no server says. */
export const KUBERNETES = '1.36.0';

const root = join(import.meta.dirname, '..', '..', '..');
export const CHART = join(root, 'helm', 'dialhook');
export class HelmError extends Error {
  override readonly name = 'HelmError';
}

const isHelm3 = (helm: string): boolean =>
  spawnSync(helm, ['version', '--template', '{{.Version}}'], { encoding: 'utf8' }).stdout?.startsWith(
    'v3.',
  ) === true;

function build(built: string): void {
  if (onPath('go') === undefined)
    throw new HelmError(
      'helm 3 is not on the PATH, and neither is go, with which it would be built: install one',
    );
  console.error(`building helm ${VERSION}: some minutes, once`);
  execFileSync('go', ['install', `helm.sh/helm/v3/cmd/helm@${VERSION}`], {
    env: { ...process.env, GOBIN: dirname(built) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Where helm is: on the PATH, or built once with Go into a cache folder. @throws {HelmError} when neither can be. */
export function helmPath(): string {
  const given = onPath('helm');
  if (given !== undefined && isHelm3(given)) return given;
  const built = join(CACHE, `helm-${VERSION}`, 'helm');
  once(built, () => build(built));
  return built;
}

// When the file is loaded: a test has a time limit, and building takes longer.
const path = helmPath();

/** Runs helm; resolves with what it printed. @throws {HelmError} with what it complained about. */
export async function helm(...args: readonly string[]): Promise<string> {
  const done = promisify(execFile)(path, args, { maxBuffer: 64 * 1024 * 1024 });
  return done.then(
    ({ stdout }) => stdout,
    (error: Error & { stdout?: string; stderr?: string }) => {
      throw new HelmError(`${error.stdout ?? ''}${error.stderr ?? error.message}`);
    },
  );
}

/** The chart as YAML, as it would be installed. */
export const renderText = (...args: readonly string[]): Promise<string> =>
  helm('template', 'dialhook', CHART, '--namespace', 'telephony', '--kube-version', KUBERNETES, ...args);

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

if (import.meta.main) console.log(path);
