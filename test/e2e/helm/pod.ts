import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from './image.ts';
import { type Container, type Manifest, type PodSpec, podOf } from './manifests.ts';

const READY_MS = 45_000;
const POLL_MS = 25;

/** The pods of a Deployment, or a Pod. */
export function podNamed(manifests: readonly Manifest[], name: string): PodSpec {
  const manifest = manifests.find(
    ({ kind, metadata }) => metadata.name === name && (kind === 'Deployment' || kind === 'Pod'),
  );
  const pod = manifest === undefined ? undefined : podOf(manifest);
  if (pod === undefined) throw new Error(`there is no ${name}`);
  return pod.spec;
}

function firstContainer({ containers: [container] }: PodSpec): Container {
  if (container === undefined) throw new Error('the pod has no container');
  return container;
}

export const containerOf = (manifests: readonly Manifest[], name: string): Container =>
  firstContainer(podNamed(manifests, name));

/** The variables that a container of the chart has; `given` is what only a cluster knows, and what differs here. */
export function environmentOf(
  container: Container,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { name, value } of container.env) if (value !== undefined) env[name] = value;
  return { ...env, ...given };
}

/** A container of the chart as a plain process of this machine. */
export class Pod {
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  log = '';
  socketPort = 0;
  #healthPort = 0;

  /** @param folder with the programs; by default those of this version. */
  constructor(spec: PodSpec, given: Readonly<Record<string, string>>, folder = ROOT) {
    const container = firstContainer(spec);
    const env = environmentOf(container, { HEALTH_HOST: '127.0.0.1', HEALTH_PORT: '0', ...given });
    const [, program = ''] = container.command;
    const drainSeconds: number = container['lifecycle']?.preStop.sleep.seconds ?? 0;
    this.#graceMs = 1_000 * ((spec.terminationGracePeriodSeconds ?? 30) - drainSeconds);
    const { NODE_COMPILE_CACHE: cache } = process.env;
    if (cache !== undefined) env['NODE_COMPILE_CACHE'] = cache;
    this.#child = spawn(process.execPath, [program], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.log += data.toString('utf8');
        this.socketPort ||= Number(/"event":"socket.listening".*?"port":(\d+)/.exec(this.log)?.[1] ?? 0);
        this.#healthPort ||= Number(/"health_port":(\d+)/.exec(this.log)?.[1] ?? 0);
      });
  }

  /** Resolves when its readiness probe would succeed. */
  async ready(): Promise<this> {
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(POLL_MS)) {
      if (this.#child.exitCode !== null) break;
      if (this.#healthPort === 0) continue;
      const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`).catch(() => undefined);
      if (answer?.ok) return this;
    }
    throw new Error(`not ready: ${this.log}`);
  }

  /** SIGTERM. Resolves with its exit code, or `killed` after what the preStop hook leaves of its grace period. */
  async terminate(): Promise<number | 'killed' | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#graceMs);
    const [code] = await exit;
    clearTimeout(timer);
    return this.#child.signalCode === 'SIGKILL' ? 'killed' : code;
  }

  /** Resolves with the exit code of one that ends by itself. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
