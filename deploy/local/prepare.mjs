import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Installs missing packages and servers, then runs a command on the Node from node_modules. This file itself runs on the
 * host's Node (20 or newer) before anything is installed: plain JavaScript, no packages.
 *
 *   node deploy/local/prepare.mjs COMMAND [ARGUMENTS]
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const installedNode = join(root, 'node_modules', '.bin', 'node');
const stamp = join(root, 'node_modules', '.dialhook-lock');
const vitest = ['node_modules/vitest/vitest.mjs', 'run'];

const servers = ['nats-server', 'redis-server'];
// Only CI installs a browser. Elsewhere the tests of the console's page run if there is one.
const forTests = process.env.CI ? [...servers, 'chromium'] : servers;

/** By name: the programs it needs besides npm packages, and what it runs on the Node of `node_modules`. */
const commands = {
  setup: { needs: forTests },
  start: {
    needs: servers.filter((server) => !process.env[server === 'nats-server' ? 'NATS_URL' : 'REDIS_URL']),
    run: ['deploy/local/main.ts'],
  },
  test: { needs: forTests, run: vitest },
  'test:unit': { needs: [], run: [...vitest, '--project', 'unit'] },
  'test:integration': { needs: servers, run: [...vitest, '--project', 'integration'] },
  'test:e2e': { needs: forTests, run: [...vitest, '--project', 'e2e', '--project', 'chaos'] },
  chaos: { needs: servers, run: ['test/chaos/main.ts'] },
  bench: { needs: servers, run: ['test/bench/main.ts'] },
  'bench:freeswitch': { needs: servers, run: ['test/bench/freeswitch/main.ts'] },
  pictures: { needs: servers, run: ['scripts/pictures.ts'] },
  package: { needs: [], run: ['deploy/debian/main.ts'] },
  soak: { needs: servers, run: ['test/bench/soak.ts'] },
};

/** The process that runs at the moment; `interrupted` after this process has received a signal to end. */
let child;
let interrupted = false;

function interrupt(signal) {
  interrupted = true;
  child?.kill(signal);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));

// npm forwards SIGTERM, but cannot when it is killed itself: then this process gets another parent.
const parent = process.ppid;
const watch = () => process.ppid !== parent && !interrupted && interrupt('SIGTERM');
if (process.env.npm_lifecycle_event) setInterval(watch, 500).unref();

/** Runs a program. Resolves with its exit code, 1 after a signal. */
const execute = (program, args, options) =>
  new Promise((resolve) => {
    child = spawn(program, args, { cwd: root, ...options });
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });

const say = (text) => process.stderr.write(`\x1b[2m${text}\x1b[0m\n`);
const fail = (text) => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};

const onPath = (program) =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));

async function run(what, program, args) {
  say(`${what} ...`);
  const started = Date.now();
  const code = await execute(program, args, { stdio: ['ignore', 2, 2] });
  if (interrupted) process.exit(1);
  if (code !== 0) fail(`${what} failed: ${program} ${args.join(' ')}`);
  say(`${what}: done in ${Math.round((Date.now() - started) / 1000)} s`);
}

async function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
  if (installed) return;
  // Without install scripts: they would run on the Node that is being installed, which may lack a library.
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('Installing npm packages', 'npm', ['ci', '--ignore-scripts', ...quiet]);
  linkNode();
  writeFileSync(stamp, lock);
}

/**
 * npm 10 and older link no Node: each package node-PLATFORM-ARCHITECTURE has the program `node`, and npm takes the first,
 * which is for another machine.
 */
function linkNode() {
  const program = join(`node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(installedNode) || !existsSync(join(root, 'node_modules', program))) return;
  rmSync(installedNode, { force: true });
  symlinkSync(join('..', program), installedNode);
}

/** Node 25 and newer for Linux need libatomic, which not every Debian has. */
async function missingLibraries() {
  if (!existsSync(installedNode)) return [];
  return (await execute(installedNode, ['--version'], { stdio: 'ignore' })) === 0 ? [] : ['libatomic1'];
}

async function installMissing(needed) {
  const missing = [...needed.filter((server) => !onPath(server)), ...(await missingLibraries())];
  if (missing.length === 0) return;
  const root = process.getuid?.() === 0;
  if (!onPath('apt-get') || !(root || onPath('sudo')))
    fail(
      `Missing: ${missing.join(', ')}. Install them with your package manager (libatomic1 is named libatomic\n` +
        'outside Debian; macOS: brew install nats-server redis), or set NATS_URL and REDIS_URL to running servers.',
    );
  const apt = (...args) =>
    run(`apt-get ${args.slice(0, 1)}`, root ? 'env' : 'sudo', [
      ...(root ? [] : ['env']),
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-qq',
      '-y',
      ...args,
    ]);
  await apt('update');
  await apt('install', '--no-install-recommends', ...missing);
}

const [name = 'start', ...args] = process.argv.slice(2);
const command = commands[name] ?? fail(`unknown command: ${name}`);
if (name === 'start' && args.some((arg) => arg === '--help' || arg === '-h')) {
  process.stdout.write(readFileSync(join(root, 'deploy', 'local', 'usage.txt')));
  process.exit();
}
await installPackages();
// npm has no Node for some platforms. There the services check the version of the host's Node when they start.
const node = existsSync(installedNode) ? installedNode : process.execPath;
if (Number.parseInt(process.versions.node, 10) < 24 && node === process.execPath)
  fail('npm has no Node package for this platform: install Node 26 and try again');
await installMissing(command.needs);
if (!command.run) process.exit();

// A shared compile cache: each of the many processes started here starts in two thirds of the time.
const compiled = join(root, 'node_modules', '.cache', 'dialhook', 'compiled');
const env = { NODE_COMPILE_CACHE: compiled, ...process.env };
process.exit(await execute(node, [...command.run, ...args], { stdio: 'inherit', env }));
