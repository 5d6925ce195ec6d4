import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type DebianPackage, debianPackages, HOME, LEFT_OUT } from './packages.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** Parts of npm packages that no process reads. */
const UNUSED =
  /\.(?:d\.[cm]?ts|map|md|markdown|flow|html)$|\/\.[^/]+$|\/(?:test|tests|__tests__|benchmarks?)$/;
const LICENSE = /\/(?:licen[cs]e|copying|notice)[^/]*$/i;

export interface BuildOptions {
  readonly version: string;
  /** Path of the Node that is packaged. Its licence is beside bin/, as in the archives of nodejs.org. */
  readonly node: string;
  /** Folder for the packages. */
  readonly output: string;
  readonly compression: 'xz' | 'gzip' | 'none';
  /** Time of all files, s since 1970 (SOURCE_DATE_EPOCH). */
  readonly epoch: number;
  /** Value of the field Maintainer: NAME <ADDRESS>. */
  readonly maintainer: string;
  /** Names of the packages to build; all without it. */
  readonly only?: readonly string[] | undefined;
}

interface Locked {
  readonly dev?: boolean;
}

/** The npm packages of the services, from the lock file; those for other platforms are not installed. */
function productionPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev && !LEFT_OUT.test(path) && existsSync(join(ROOT, path)))
    .map(([path]) => path);
}

function copyModules(tree: string): void {
  for (const path of productionPackages())
    cpSync(join(ROOT, path), join(tree, HOME, path), {
      recursive: true,
      // Packages below node_modules have entries of their own.
      filter: (source) =>
        (!UNUSED.test(source) || LICENSE.test(source)) &&
        !source.slice(ROOT.length + path.length).includes('/node_modules'),
    });
}

function put(tree: string, path: string, text: string | Buffer, mode = 0o644): void {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  chmodSync(target, mode);
}

const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(/@([A-Z_]+)@/g, (marker, key: string) => values[key] ?? marker);

const template = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), 'utf8');

/** Units whose name ends in @ are instances with an environment file of their own. */
const instanceValues = (target: string): Record<string, string> =>
  target.endsWith('@.service')
    ? { INSTANCE: ' %i', INSTANCE_ENVIRONMENT: 'EnvironmentFile=-/etc/dialhook/agent-%i.env' }
    : { INSTANCE: '', INSTANCE_ENVIRONMENT: '' };

/** The files of a tree, sorted, as paths from its root. */
function filesOf(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .toSorted();
}

/** Modes do not depend on the umask of the build or of the author of an npm package. */
function normalize(tree: string, kept: ReadonlySet<string>): void {
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (!kept.has(path.slice(tree.length))) chmodSync(path, 0o644);
  }
  chmodSync(tree, 0o755);
}

function control(
  pkg: DebianPackage,
  architecture: string,
  tree: string,
  files: readonly string[],
  options: BuildOptions,
): string {
  const bytes = files.reduce((sum, file) => sum + statSync(join(tree, file)).size, 0);
  const fields = {
    Package: pkg.name,
    Version: pkg.version,
    Architecture: architecture,
    Maintainer: options.maintainer,
    'Installed-Size': String(Math.ceil(bytes / 1024)),
    Depends: pkg.depends.join(', '),
    ...pkg.fields,
    Section: 'comm',
    Priority: 'optional',
    Description: [pkg.summary, ...pkg.description.map((line) => ` ${line}`)].join('\n'),
  };
  return `${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n`;
}

const changelog = (pkg: DebianPackage, { epoch, maintainer }: BuildOptions): string =>
  `${pkg.name} (${pkg.version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of dialhook-common.\n\n` +
  ` -- ${maintainer}  ${new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')}\n`;

function contents(pkg: DebianPackage, tree: string, options: BuildOptions): void {
  const doc = `/usr/share/doc/${pkg.name}`;
  const executable = new Set<string>();
  for (const [target, source] of Object.entries(pkg.copied))
    cpSync(join(ROOT, source), join(tree, target), { recursive: true });
  if (pkg.name === 'dialhook-common') copyModules(tree);
  if (pkg.name === 'dialhook-node') {
    cpSync(options.node, join(tree, HOME, 'bin/node'), { dereference: true });
    chmodSync(join(tree, HOME, 'bin/node'), 0o755);
    executable.add(`${HOME}/bin/node`);
    put(tree, `${doc}/copyright`, readFileSync(join(dirname(options.node), '../LICENSE')));
  } else
    put(
      tree,
      `${doc}/copyright`,
      `${template('files/copyright')}\n${readFileSync(join(ROOT, 'LICENSE'), 'utf8')}`,
    );
  put(tree, `${doc}/changelog.gz`, gzipSync(changelog(pkg, options), { level: 9 }));
  for (const [target, { from, mode }] of Object.entries(pkg.written)) {
    put(tree, target, fill(template('files', from), { ...pkg.values, ...instanceValues(target) }), mode);
    executable.add(target);
  }
  normalize(tree, executable);
}

function buildPackage(pkg: DebianPackage, tree: string, options: BuildOptions): string {
  mkdirSync(tree, { recursive: true });
  contents(pkg, tree, options);
  const architecture = pkg.architecture === 'all' ? 'all' : (ARCHITECTURES[process.arch] ?? process.arch);
  const files = filesOf(tree);
  const sums = files.map(
    (file) =>
      `${createHash('md5')
        .update(readFileSync(join(tree, file)))
        .digest('hex')}  ${file}\n`,
  );
  const conffiles = files.filter((file) => file.startsWith('etc/')).map((file) => `/${file}\n`);
  put(tree, 'DEBIAN/control', control(pkg, architecture, tree, files, options));
  put(tree, 'DEBIAN/md5sums', sums.join(''));
  if (conffiles.length > 0) put(tree, 'DEBIAN/conffiles', conffiles.join(''));
  for (const [name, from] of Object.entries(pkg.scripts))
    put(tree, `DEBIAN/${name}`, fill(template('scripts', from), pkg.values), 0o755);
  chmodSync(join(tree, 'DEBIAN'), 0o755);
  const target = join(options.output, `${pkg.name}_${pkg.version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', `-Z${options.compression}`, '--build', tree, target], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(options.epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return target;
}

/** Builds every package and returns the paths of the .deb files. Uses only installed files: no network. */
export function buildPackages(options: BuildOptions): string[] {
  const node = execFileSync(options.node, ['--print', 'process.versions.node'], { encoding: 'utf8' }).trim();
  mkdirSync(options.output, { recursive: true });
  const stage = mkdtempSync(join(tmpdir(), 'dialhook-deb-'));
  try {
    const packages = debianPackages({ dialhook: options.version, node });
    const unknown = options.only?.filter((name) => !packages.some((pkg) => pkg.name === name)) ?? [];
    if (unknown.length > 0)
      throw new Error(
        `no package ${unknown.join(', ')}: there are ${packages.map(({ name }) => name).join(', ')}`,
      );
    return packages
      .filter(({ name }) => options.only?.includes(name) ?? true)
      .map((pkg) => {
        const deb = buildPackage(pkg, join(stage, pkg.name), options);
        rmSync(join(stage, pkg.name), { recursive: true });
        return deb;
      });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
