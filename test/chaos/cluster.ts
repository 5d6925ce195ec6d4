import { appendFileSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from '#deploy/local/stack.ts';
import { freePort } from '#test/support/ports.ts';
import { Calls, FALLBACK, type NodeWithAgents } from './calls.ts';
import { Endpoint } from './endpoint.ts';
import type { CreateNode, TestNode } from './node.ts';
import { NodeObserver } from './node-observer.ts';
import { WireProxy } from './proxy.ts';
import { Supervised } from './supervised.ts';
import { type Certificate, makeCertificate } from './tls.ts';

/** Connections that a proxy can impair. */
export const LINKS = ['agent-nats', 'router-nats', 'notifier-redis', 'agent-freeswitch', 'endpoint'] as const;
export type Link = (typeof LINKS)[number];

type Kind = 'agent' | 'router' | 'notifier';
type Env = Readonly<Record<string, string>>;

export interface ClusterOptions {
  readonly createNode: CreateNode;
  readonly links?: readonly Link[];
  /** Use TLS for NATS, Redis and the endpoint. TLS detects every changed byte. */
  readonly tls?: boolean;
  /** Further settings of all services of a kind. */
  readonly env?: Partial<Readonly<Record<Kind, Env>>>;
  /** File for the log lines of all services. */
  readonly log?: string;
}

/** Timeouts of every call, in ms. */
export const TIMEOUTS = { connectMs: 2_000, responseMs: 2_000 } as const;

const AGENTS: Readonly<Record<string, string>> = { 'agent-1a': 'fs1', 'agent-1b': 'fs1', 'agent-2': 'fs2' };
const NODES = [...new Set(Object.values(AGENTS))];
const ROUTERS = ['router-1', 'router-2'];
const NOTIFIERS = ['notifier-1', 'notifier-2'];
const READY_MS = 60_000;
const HEALTH_MS = 1_000;
const ALIVE_MS = 1_000;

/** Retries often enough for a short run, and for longer than the longest fault. */
const NOTIFIER_ENV: Env = {
  NOTIFY_CONNECT_TIMEOUT_MS: '1000',
  NOTIFY_RESPONSE_TIMEOUT_MS: '2000',
  RETRY_SCHEDULE_MS: ['300', '700', '1000', ...Array.from({ length: 29 }, () => '2000')].join(','),
};

/** Reconcile soon enough that a run still waits for the synthesized hangup. */
const AGENT_ENV: Env = {
  RECONCILE_INTERVAL_MS: '5000',
  RECONCILE_CONFIRM_MS: '2000',
  RECONCILE_RESTART_WAIT_MS: '0',
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });

/** Whether every check is ok: a service can be ready although one of its checks is not. */
const allChecksOk = (url: string, withinMs: number): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(withinMs) }).then(
    async (answer) => {
      const text = await answer.text();
      const { checks = {} } = JSON.parse(text) as { checks?: Record<string, string> };
      return answer.ok && Object.values(checks).every((state) => state === 'ok');
    },
    () => false,
  );

/** A cluster of real processes with two FreeSWITCH nodes. Gives access to everything that a fault can break. */
export class ChaosCluster {
  readonly #options: ClusterOptions;
  readonly #stack = new Stack();
  readonly #processes = new Map<string, Supervised>();
  readonly #proxies: { readonly link: Link; readonly service: string; readonly proxy: WireProxy }[] = [];
  readonly #ports = new Map<string, number>();
  readonly #nodes = new Map<string, TestNode>();
  readonly observer = new NodeObserver(FALLBACK);
  #certificate: Certificate | undefined;
  #folder = '';
  #endpoint: Endpoint | undefined;
  #calls: Calls | undefined;

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    try {
      await cluster.#start();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get endpoint(): Endpoint {
    if (!this.#endpoint) throw new Error('the endpoint is not started');
    return this.#endpoint;
  }

  get calls(): Calls {
    if (!this.#calls) throw new Error('the cluster is not started');
    return this.#calls;
  }

  /** A service by its name, or `nats`, or `redis`. */
  process(name: string): Supervised {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no process ${name}`);
    return found;
  }

  /** The proxies of a link: of one service, or of all services. */
  proxies(link: Link, service?: string): WireProxy[] {
    return this.#proxies
      .filter((one) => one.link === link && (service === undefined || one.service === service))
      .map(({ proxy }) => proxy);
  }

  /** The port of `nats` or `redis`, without proxy. */
  port(server: string): number {
    return this.#ports.get(server) ?? 0;
  }

  /** Services whose /readyz has a check that is not ok. */
  async notReady(): Promise<string[]> {
    const all = [...this.#processes.values()];
    const ready = await Promise.all(all.map((one) => one.isReady()));
    return all.filter((_, i) => !ready[i]).map(({ name }) => name);
  }

  node(name: string): TestNode {
    const found = this.#nodes.get(name);
    if (!found) throw new Error(`no node ${name}`);
    return found;
  }

  async stop(): Promise<void> {
    await this.#stack.unwind();
  }

  async #start(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'dialhook-chaos-'));
    this.#stack.add(() => rm(this.#folder, { recursive: true, force: true, maxRetries: 5 }));
    if (this.#options.tls) this.#certificate = await makeCertificate(this.#folder);
    const endpoint = await Endpoint.start(this.#certificate);
    this.#endpoint = endpoint;
    this.#stack.add(() => endpoint.stop());
    await Promise.all([this.#startNats(), this.#startRedis()]);
    this.#stack.add(() => this.observer.stop());
    await Promise.all(NODES.map((name) => this.#startNode(name)));
    await this.#startServices();
    this.#calls = new Calls(this.#nodesWithAgents(), {
      url: `${this.#scheme('http')}://127.0.0.1:${await this.#through('endpoint', 'endpoint', endpoint.port)}/calls`,
      ...TIMEOUTS,
    });
  }

  async #startNode(name: string): Promise<void> {
    const node = await this.#options.createNode(name);
    this.#nodes.set(name, node);
    this.#stack.add(() => node.close());
    await node.start();
    await this.observer.observe(node.eventSocket);
  }

  #scheme(plain: string): string {
    const secure: Readonly<Record<string, string>> = { http: 'https', nats: 'tls', redis: 'rediss' };
    return this.#certificate ? (secure[plain] ?? plain) : plain;
  }

  async #startNats(): Promise<void> {
    const port = await freePort();
    const { key, cert } = this.#certificate ?? {};
    await this.#startServer('nats', port, 'nats-server', [
      ...['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(this.#folder, 'nats')],
      ...(key && cert ? ['--tls', '--tlskey', key, '--tlscert', cert] : []),
    ]);
  }

  async #startRedis(): Promise<void> {
    const port = await freePort();
    const { key, cert } = this.#certificate ?? {};
    const folder = join(this.#folder, 'redis');
    mkdirSync(folder);
    const listen =
      key && cert
        ? ['--port', '0', '--tls-port', String(port), '--tls-key-file', key, '--tls-cert-file', cert]
        : ['--port', String(port)];
    const trust = cert ? ['--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'] : [];
    await this.#startServer('redis', port, 'redis-server', [
      ...[...listen, ...trust, '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
    ]);
  }

  async #startServer(name: string, port: number, command: string, args: readonly string[]): Promise<void> {
    this.#ports.set(name, port);
    await this.#supervise(new Supervised({ name, command, args, ready: () => accepts(port) }));
  }

  async #startServices(): Promise<void> {
    const shared = async (kind: Kind, name: string): Promise<Env> => {
      const health = await freePort();
      this.#ports.set(`health ${name}`, health);
      const link = kind === 'notifier' ? undefined : (`${kind}-nats` as const);
      const nats = await this.#through(link, name, this.port('nats'));
      return {
        NATS_URL: `${this.#scheme('nats')}://127.0.0.1:${nats}`,
        HEALTH_PORT: String(health),
        ...(this.#certificate ? { NODE_EXTRA_CA_CERTS: this.#certificate.cert } : {}),
        ...this.#options.env?.[kind],
      };
    };
    const starting: Promise<void>[] = [];
    for (const name of NOTIFIERS) {
      const redis = await this.#through('notifier-redis', name, this.port('redis'));
      const env = { REDIS_URL: `${this.#scheme('redis')}://127.0.0.1:${redis}` };
      starting.push(
        this.#service(name, 'notifier', { ...env, ...NOTIFIER_ENV, ...(await shared('notifier', name)) }),
      );
    }
    for (const name of ROUTERS) starting.push(this.#service(name, 'router', await shared('router', name)));
    for (const [name, node] of Object.entries(AGENTS)) {
      const socket = await freePort();
      this.#ports.set(`socket ${name}`, socket);
      const { port, password } = this.node(node).eventSocket;
      const freeswitch = await this.#through('agent-freeswitch', name, port);
      const env = {
        ...AGENT_ENV,
        NODE_NAME: node,
        FREESWITCH_PORT: String(freeswitch),
        FREESWITCH_PASSWORD: password,
        SOCKET_PORT: String(socket),
      };
      starting.push(this.#service(name, 'agent', { ...env, ...(await shared('agent', name)) }));
    }
    await Promise.all(starting);
  }

  /** `port`, or the port of a proxy to it if this link is impaired. */
  async #through(link: Link | undefined, service: string, port: number): Promise<number> {
    if (link === undefined || !this.#options.links?.includes(link)) return port;
    const proxy = await WireProxy.start(port);
    this.#stack.add(() => proxy.stop());
    this.#proxies.push({ link, service, proxy });
    return proxy.port;
  }

  #service(name: string, kind: Kind, env: Env): Promise<void> {
    const { log } = this.#options;
    const health = `http://127.0.0.1:${env['HEALTH_PORT']}`;
    return this.#supervise(
      new Supervised({
        name,
        command: process.execPath,
        args: [`services/${kind}/main.ts`],
        env,
        onLine: (line) => {
          if (log !== undefined) appendFileSync(log, `${new Date().toISOString()} ${name} ${line}\n`);
        },
        ready: () => allChecksOk(`${health}/readyz`, HEALTH_MS),
        alive: () => allChecksOk(`${health}/healthz`, ALIVE_MS),
      }),
    );
  }

  async #supervise(one: Supervised): Promise<void> {
    this.#processes.set(one.name, one);
    this.#stack.add(() => one.end());
    one.start();
    await one.untilReady(READY_MS);
  }

  #nodesWithAgents(): NodeWithAgents[] {
    return NODES.map((name) => ({
      name,
      node: this.node(name),
      agentPorts: Object.entries(AGENTS)
        .filter(([, node]) => node === name)
        .map(([agent]) => this.#ports.get(`socket ${agent}`) ?? 0),
    }));
  }
}
