import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack, startOrStop } from '#deploy/local/stack.ts';
import { freePort } from '#test/support/ports.ts';
import { type AgentHost, agentHost } from './agent-host.ts';
import { allChecksOk } from './all-checks-ok.ts';
import {
  accepts,
  natsServerArguments,
  REPLICAS,
  type RedisService,
  redisServerArguments,
  startNatsNodes,
  startRedisService,
} from './brokers.ts';
import { Calls, FALLBACK, type NodeWithAgents } from './calls.ts';
import type { ClusterOptions, Env, Kind } from './cluster-options.ts';
import { Endpoint } from './endpoint.ts';
import { type Link, Links, LOOPBACK } from './links.ts';
import type { TestNode } from './node.ts';
import { NodeObserver } from './node-observer.ts';
import type { WireProxy } from './proxy.ts';
import {
  AGENT_ENV,
  AGENTS,
  NODES,
  NOTIFIER_ENV,
  NOTIFIERS,
  ON_AGENT_HOST,
  OTHER_VERSION,
  ROUTERS,
} from './settings.ts';
import { Supervised } from './supervised.ts';
import { TimedOutAttempts } from './timed-out.ts';
import { type Certificate, makeCertificate } from './tls.ts';

/** Timeouts of every call, in ms. */
export const TIMEOUTS = { connectMs: 2_000, responseMs: 2_000 } as const;

const ROOT = join(import.meta.dirname, '..', '..');
const READY_MS = 60_000;
const HEALTH_MS = 1_000;
const ALIVE_MS = 1_000;

/** A cluster of real processes with two FreeSWITCH nodes. Gives access to everything that a fault can break. */
export class ChaosCluster {
  readonly #options: ClusterOptions;
  readonly #stack = new Stack();
  readonly #processes = new Map<string, Supervised>();
  readonly #links: Links;
  readonly #ports = new Map<string, number>();
  readonly #nodes = new Map<string, TestNode>();
  /** Hosts of `socket`, HOST:PORT, by agent. */
  readonly #agentAddresses = new Map<string, string>();
  readonly observer = new NodeObserver(FALLBACK);
  readonly timedOut = new TimedOutAttempts();
  #certificate: Certificate | undefined;
  #folder = '';
  #natsUrls: string | undefined;
  #redis: RedisService | undefined;
  #endpoint: Endpoint | undefined;
  #calls: Calls | undefined;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.#links = new Links(options.links ?? [], this.#stack);
  }

  static start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    return startOrStop(cluster, () => cluster.#start());
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
    return this.#links.proxies(link, service);
  }

  /** The port of `nats` or `redis`, without proxy. */
  port(server: string): number {
    return this.#ports.get(server) ?? 0;
  }

  /** URLs of the NATS servers, without proxy. */
  get natsUrls(): string {
    return this.#natsUrls ?? `nats://127.0.0.1:${this.port('nats')}`;
  }

  /** A Redis with a failover. */
  get redis(): RedisService {
    if (!this.#redis) throw new Error('this cluster has a single Redis');
    return this.#redis;
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
      url: `${this.#scheme('http')}://127.0.0.1:${await this.#links.through('endpoint', 'endpoint', endpoint.port)}/calls`,
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
    if (this.#options.brokers?.nats === 'cluster') {
      this.#natsUrls = await startNatsNodes(this.#folder, (one) => this.#supervise(one));
      return;
    }
    const port = await freePort();
    const args = natsServerArguments(port, join(this.#folder, 'nats'), this.#certificate);
    await this.#startServer('nats', port, 'nats-server', args);
  }

  async #startRedis(): Promise<void> {
    const kind = this.#options.brokers?.redis;
    if (kind !== undefined) {
      this.#redis = await startRedisService(kind, this.#stack);
      return;
    }
    const port = await freePort();
    const args = redisServerArguments(port, join(this.#folder, 'redis'), this.#certificate);
    await this.#startServer('redis', port, 'redis-server', args);
  }

  async #startServer(name: string, port: number, command: string, args: readonly string[]): Promise<void> {
    this.#ports.set(name, port);
    await this.#supervise(new Supervised({ name, command, args, ready: () => accepts(port) }));
  }

  async #startServices(): Promise<void> {
    const shared = async (kind: Kind, name: string): Promise<Env> => {
      const health = await freePort();
      this.#ports.set(`health ${name}`, health);
      const listen = this.#hostOf(name)?.gateway;
      const port = this.port('nats');
      const nats =
        kind === 'notifier' ? port : await this.#links.through(`${kind}-nats`, name, port, { listen });
      return {
        NATS_URL: this.#natsUrls ?? `${this.#scheme('nats')}://${listen ?? LOOPBACK}:${nats}`,
        ...(this.#natsUrls ? REPLICAS[kind] : {}),
        HEALTH_PORT: String(health),
        HEALTH_HOST: this.#hostOf(name)?.address ?? LOOPBACK,
        ...(this.#certificate ? { NODE_EXTRA_CA_CERTS: this.#certificate.cert } : {}),
        ...this.#options.env?.[kind],
      };
    };
    const starting: Promise<void>[] = [];
    for (const name of NOTIFIERS) {
      const redis = await this.#links.through('notifier-redis', name, this.port('redis'));
      const env = this.#redis?.env ?? { REDIS_URL: `${this.#scheme('redis')}://127.0.0.1:${redis}` };
      starting.push(
        this.#service(name, 'notifier', { ...env, ...NOTIFIER_ENV, ...(await shared('notifier', name)) }),
      );
    }
    for (const name of ROUTERS) starting.push(this.#service(name, 'router', await shared('router', name)));
    for (const [name, node] of Object.entries(AGENTS)) {
      const env = await this.#agentEnv(name, node);
      starting.push(this.#service(name, 'agent', { ...env, ...(await shared('agent', name)) }));
    }
    await Promise.all(starting);
  }

  async #agentEnv(name: string, node: string): Promise<Env> {
    const host = this.#hostOf(name);
    const socket = await freePort();
    const address = host?.address ?? LOOPBACK;
    const reached = await this.#links.through('freeswitch-agent', name, socket, { target: address });
    this.#agentAddresses.set(name, `${reached === socket ? address : LOOPBACK}:${reached}`);
    const { port, password } = this.node(node).eventSocket;
    const freeswitch = await this.#links.through('agent-freeswitch', name, port, { listen: host?.gateway });
    return {
      ...AGENT_ENV,
      NODE_NAME: node,
      FREESWITCH_HOST: host?.gateway ?? LOOPBACK,
      FREESWITCH_PORT: String(freeswitch),
      FREESWITCH_PASSWORD: password,
      SOCKET_HOST: address,
      SOCKET_PORT: String(socket),
    };
  }

  /** The host of an agent that has one of its own. */
  #hostOf(service: string): AgentHost | undefined {
    return this.#options.agentHost && service === ON_AGENT_HOST ? agentHost() : undefined;
  }

  #service(name: string, kind: Kind, env: Env): Promise<void> {
    const { log } = this.#options;
    const health = `http://${env['HEALTH_HOST']}:${env['HEALTH_PORT']}`;
    const host = this.#hostOf(name);
    const [command = process.execPath, ...before] = host ? ['ip', 'netns', 'exec', host.namespace] : [];
    return this.#supervise(
      new Supervised({
        name,
        command,
        args: [
          ...(host ? [...before, process.execPath] : []),
          join(this.#versionOf(name), 'services', kind, 'main.ts'),
        ],
        env,
        onLine: (line) => {
          this.timedOut.read(line);
          if (log !== undefined) appendFileSync(log, `${new Date().toISOString()} ${name} ${line}\n`);
        },
        ready: () => allChecksOk(`${health}/readyz`, HEALTH_MS),
        alive: () => allChecksOk(`${health}/healthz`, ALIVE_MS),
      }),
    );
  }

  /** The folder that a service is started from. */
  #versionOf(name: string): string {
    const { otherVersion } = this.#options;
    return otherVersion !== undefined && OTHER_VERSION.has(name) ? otherVersion : ROOT;
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
      agents: Object.entries(AGENTS)
        .filter(([, node]) => node === name)
        .map(([agent]) => this.#agentAddresses.get(agent) ?? ''),
    }));
  }
}
