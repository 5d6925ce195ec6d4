import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stack } from '#deploy/local/stack.ts';
import { freePort } from '#test/support/ports.ts';
import { startNats } from '#test/support/servers/nats.ts';
import { startRedis } from '#test/support/servers/redis.ts';
import { Child } from './child.ts';
import type { EndpointCommand } from './endpoint.ts';
import { BenchNode } from './node.ts';
import { raisePriority } from './priority.ts';

const READY_MS = 30_000;
const POLL_MS = 10;
const file = (name: string): string => join(import.meta.dirname, name);

export interface ClusterOptions {
  readonly nodes?: number;
  readonly routers?: number;
  readonly notifiers?: number;
  /** Path of the endpoint's URL: the ms that it takes to answer a request. Default: 0. */
  readonly path?: string;
  /** Serve the endpoint over HTTPS. */
  readonly certificate?: { readonly key: string; readonly cert: string };
  readonly env?: Readonly<Record<string, string>>;
}

export interface Service {
  readonly child: Child;
  readonly healthPort: number;
}

/** The endpoint, in its own process. */
export class Endpoint {
  readonly child: Child;
  readonly port: number;

  private constructor(child: Child, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start(certificate?: ClusterOptions['certificate']): Promise<Endpoint> {
    const files = certificate === undefined ? [] : [certificate.key, certificate.cert];
    const child = new Child('endpoint', [file('endpoint.ts'), ...files]);
    return new Endpoint(child, await child.request<number>({ port: true } satisfies EndpointCommand));
  }

  /** Number of requests and notifications received. */
  count(): Promise<number> {
    return this.child.request({ count: true } satisfies EndpointCommand);
  }

  /** Resolves when it has received that many. */
  until(served: number): Promise<number> {
    return this.child.request({ until: served } satisfies EndpointCommand);
  }
}

/** A cluster of real processes with stand-ins for FreeSWITCH nodes. */
export class BenchCluster {
  readonly nodes: BenchNode[] = [];
  readonly services: Service[] = [];
  readonly #stops = new Stack();
  #endpoint: Endpoint | undefined;
  #servers: { nats: string; redis: string; pids: Record<'nats' | 'redis', number> } | undefined;
  #folder = '';

  static async start(options: ClusterOptions = {}): Promise<BenchCluster> {
    const cluster = new BenchCluster();
    try {
      await cluster.#start(options);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get endpoint(): Endpoint {
    if (this.#endpoint === undefined) throw new Error('not started');
    return this.#endpoint;
  }

  get servers() {
    if (this.#servers === undefined) throw new Error('not started');
    return this.#servers;
  }

  /** Services by kind, such as `router`. */
  named(kind: string): Service[] {
    return this.services.filter(({ child }) => child.name.startsWith(kind));
  }

  /** Process ids by kind: `agent`, `router`, `notifier`, `nats`, `redis`. */
  pids(...kinds: readonly string[]): number[] {
    return kinds.flatMap((kind) =>
      kind === 'nats' || kind === 'redis'
        ? [this.servers.pids[kind]]
        : this.named(kind).map(({ child }) => child.pid),
    );
  }

  async stop(): Promise<void> {
    await this.#stops.unwind();
  }

  async #start(options: ClusterOptions): Promise<void> {
    const { nodes = 1, routers = 1, notifiers = 1, path = '0', certificate, env = {} } = options;
    this.#folder = await mkdtemp(join(tmpdir(), 'dialhook-bench-'));
    this.#stops.add(() => rm(this.#folder, { recursive: true, force: true }));
    const [nats, redis] = await Promise.all([startNats(), startRedis({ tcp: true })]);
    this.#stops.add(nats.stop);
    this.#stops.add(redis.stop);
    this.#servers = { nats: nats.url, redis: redis.url, pids: { nats: nats.pid, redis: redis.pid } };
    for (const { pid } of [nats, redis]) raisePriority(pid);
    const endpoint = await Endpoint.start(certificate);
    this.#endpoint = endpoint;
    this.#stops.add(() => endpoint.child.stop());
    const scheme = certificate === undefined ? 'http' : 'https';
    const url = `${scheme}://127.0.0.1:${endpoint.port}/${path}`;
    const count = (n: number) => Array.from({ length: n }, (_, i) => i);
    await Promise.all([
      ...count(notifiers).map((i) => this.service('notifier', i, env)),
      ...count(routers).map((i) => this.service('router', i, env)),
    ]);
    for (const i of count(nodes)) await this.node(i, url, env);
  }

  /** Starts a node and its agent. Its calls go to the endpoint that needs 0 ms, unless `url` says otherwise. */
  async node(
    i: number,
    url = `http://127.0.0.1:${this.endpoint.port}/0`,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const one = await BenchNode.start(url);
    this.#stops.add(() => one.close());
    one.agentPort = await freePort();
    await this.service('agent', i, {
      ...env,
      NODE_NAME: `node-${i}`,
      FREESWITCH_PORT: String(one.eventPort),
      SOCKET_PORT: String(one.agentPort),
    });
    this.nodes.push(one);
  }

  /** The floor of a decision, which uses the endpoint directly. It replies to any message with its port. */
  floor(): Child {
    const child = new Child('floor', [file('floor.ts'), `http://127.0.0.1:${this.endpoint.port}`, '/0']);
    this.#stops.add(() => child.stop());
    return child;
  }

  async service(kind: string, i: number, env: Readonly<Record<string, string>>): Promise<Service> {
    const service = await startService(kind, i, this.#folder, {
      ...env,
      NATS_URL: this.servers.nats,
      REDIS_URL: this.servers.redis,
    });
    this.#stops.add(() => service.child.stop());
    this.services.push(service);
    return service;
  }
}

/** Starts one service with the probe loaded. Resolves when it is ready. */
export async function startService(
  kind: string,
  i: number,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Service> {
  const healthPort = await freePort();
  const profile = process.env['BENCH_PROFILE'];
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}/${kind}`];
  const args = ['--expose-gc', ...profiling, '--import', file('probe.ts'), `services/${kind}/main.ts`];
  const output = join(folder, `${kind}-${i}.log`);
  const child = new Child(`${kind}-${i}`, args, { ...env, HEALTH_PORT: String(healthPort) }, output);
  const deadline = Date.now() + READY_MS;
  while (!(await isReady(healthPort))) {
    if (!child.running) throw new Error(`${child.name} ended while starting`);
    if (Date.now() > deadline) throw new Error(`${child.name} is not ready after ${READY_MS / 1000} s`);
    await sleep(POLL_MS);
  }
  return { child, healthPort };
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
