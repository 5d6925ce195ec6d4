import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CACHE, once } from '#test/e2e/helm/cache.ts';

/**
 * Builds the API server against which the chart is installed, with Go, into a cache folder, and prints where it is:
 *
 *   node test/e2e/helm/kubernetes/build.ts     some minutes, once; etcd comes with Debian's package etcd-server
 */
const VERSION = { kubernetes: 'v1.36.3', staging: 'v0.36.3' } as const;
const PROGRAM = 'k8s.io/kubernetes/cmd/kube-apiserver';

export const API_SERVER = join(CACHE, `kube-apiserver-${VERSION.kubernetes}`, 'kube-apiserver');

function build(): void {
  const folder = join(dirname(API_SERVER), 'module');
  mkdirSync(folder, { recursive: true });
  const go = (...args: readonly string[]) =>
    execFileSync('go', args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
  writeFileSync(join(folder, 'go.mod'), 'module apiserver\n\ngo 1.26.0\n');
  // Kubernetes' own module uses the libraries in its staging folders; a dependent module uses the published ones.
  const { Replace } = JSON.parse(
    go(
      'mod',
      'edit',
      '-json',
      (
        JSON.parse(go('mod', 'download', '-json', `k8s.io/kubernetes@${VERSION.kubernetes}`)) as {
          GoMod: string;
        }
      ).GoMod,
    ),
  ) as { Replace: { Old: { Path: string }; New: { Path: string } }[] };
  const staged = Replace.filter((one) => one.New.Path.startsWith('./staging/')).map((one) => one.Old.Path);
  go('mod', 'edit', ...staged.map((path) => `-replace=${path}=${path}@${VERSION.staging}`));
  go('get', `${PROGRAM}@${VERSION.kubernetes}`);
  const version = [`gitVersion=${VERSION.kubernetes}`, 'gitMajor=1', 'gitMinor=36'];
  const flags = version.map((one) => `-X k8s.io/component-base/version.${one}`).join(' ');
  go('build', '-p', '1', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', API_SERVER, PROGRAM);
  rmSync(folder, { recursive: true, force: true });
}

if (import.meta.main) {
  once(API_SERVER, build);
  console.log(API_SERVER);
}
