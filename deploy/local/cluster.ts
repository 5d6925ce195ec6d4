import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess } from './processes.ts';
import { startNats, startRedis } from './servers.ts';
import { Stack, startOrStop } from './stack.ts';

/** A FreeSWITCH node; one agent is started for it. */
export interface Node {
  /** Undefined: the agent uses FreeSWITCH's switchname. */
  readonly name: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** Address where its agent accepts the socket application; port 0 picks a free port. */
  readonly listen: { readonly host: string; readonly port: number };
}

/** One log line of a service. */
export interface LogLine {
  readonly service: string;
  readonly level: string;
  readonly message: string;
  readonly [key: string]: unknown;
}

export interface ClusterOptions {
  readonly nodes: readonly Node[];
  readonly defaultEndpoint: string | undefined;
  readonly console?: boolean;
  /** Additional settings for `agent`, `router`, `notifier` or `console`. */
  readonly env?: ((service: string) => Readonly<Record<string, string>>) | undefined;
  readonly onLog: (line: LogLine) => void;
  /** A process ended unexpectedly. */
  readonly onLost: (name: string, code: number | null) => void;
}

export interface RunningService {
  readonly name: string;
  readonly process: ManagedProcess;
  /** Port of the agent for the socket application. */
  readonly socketPort: number | undefined;
  /** Port of the console. */
  readonly consolePort: number | undefined;
}

/** The first start after an installation reads thousands of files, possibly from a slow disk. */
const READY_MS = 120_000;
const POLL_MS = 50;
const RETRY_SCHEDULE_MS = '500,2000,5000,15000,60000';

const agentName = (node: string | undefined): string => (node === undefined ? 'agent' : `agent-${node}`);

const readLine = (name: string, line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { service: name, level: 'info', message: line };
  }
};

/** NATS, Redis and the services on this machine. They stop in the reverse order of their start. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #stops = new Stack();
  readonly services: RunningService[] = [];
  readonly #token = randomBytes(24).toString('base64url');
  #natsUrl = '';
  #stopping = false;

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /**
   * Starts NATS and Redis (unless NATS_URL and REDIS_URL are set), a notifier, two routers, one agent per node and,
   * with `console`, a console. Resolves when all are ready.
   */
  static start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    return startOrStop(cluster, () => cluster.#start());
  }

  /** Port of a node's agent for the socket application. */
  socketPort(node: string): number {
    const port = this.services.find(({ name }) => name === agentName(node))?.socketPort;
    if (port === undefined) throw new Error(`no agent for ${node}`);
    return port;
  }

  get natsUrl(): string {
    return this.#natsUrl;
  }

  /** Address of the console with a token that logs in. */
  get consoleUrl(): string {
    const port = this.services.find(({ name }) => name === 'console')?.consolePort;
    return `http://127.0.0.1:${port}/#token=${this.#token}`;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#stops.unwind();
  }

  async #start(): Promise<void> {
    const { nodes, defaultEndpoint } = this.#options;
    const ignore = () => {};
    this.#natsUrl = process.env['NATS_URL'] ?? (await this.#server(startNats(ignore)));
    const redis = process.env['REDIS_URL'] ?? (await this.#server(startRedis(ignore)));
    const common = { NATS_URL: this.#natsUrl, HEALTH_PORT: '0', TIMELINE: 'on' };
    const notifier = this.#service('notifier', 'notifier', {
      ...common,
      REDIS_URL: redis,
      RETRY_SCHEDULE_MS,
    });
    const routers = ['router-1', 'router-2'].map((name) => this.#service(name, 'router', common));
    const console = {
      ...common,
      REDIS_URL: redis,
      CONSOLE_PORT: '0',
      CONSOLE_OPERATOR_TOKENS: `local:${this.#token}`,
    };
    const others = this.#options.console ? [this.#service('console', 'console', console)] : [];
    await Promise.all([notifier, ...routers, ...others]);
    await Promise.all(
      nodes.map((node) =>
        this.#service(agentName(node.name), 'agent', {
          ...common,
          ...(node.name === undefined ? {} : { NODE_NAME: node.name }),
          FREESWITCH_HOST: node.host,
          FREESWITCH_PORT: String(node.port),
          FREESWITCH_PASSWORD: node.password,
          CALL_CONTROL: 'on',
          SOCKET_HOST: node.listen.host,
          SOCKET_PORT: String(node.listen.port),
          ...(defaultEndpoint === undefined ? {} : { DEFAULT_ENDPOINT_URL: defaultEndpoint }),
        }),
      ),
    );
  }

  async #server(starting: Promise<{ url: string; stop: () => Promise<void> }>): Promise<string> {
    const server = await starting;
    this.#stops.add(server.stop);
    return server.url;
  }

  async #service(name: string, service: string, env: Record<string, string>): Promise<void> {
    const ports: { health?: number; socket?: number; console?: number } = {};
    const running = new ManagedProcess({
      name,
      command: process.execPath,
      args: [`services/${service}/main.ts`],
      env: { ...env, ...this.#options.env?.(service) },
      onLine: (text) => {
        const line = readLine(name, text);
        if (line['event'] === 'service.started') ports.health = Number(line['health_port']);
        if (line['event'] === 'socket.listening') ports.socket = Number(line['port']);
        if (line['event'] === 'console.listening') ports.console = Number(line['port']);
        this.#options.onLog({ ...line, service: name });
      },
    });
    running.onExit((code) => {
      if (!this.#stopping) this.#options.onLost(name, code);
    });
    this.#stops.add(() => running.stop());
    const deadline = Date.now() + READY_MS;
    while (!(await isReady(ports.health))) {
      if (!running.running) throw new Error(`${name} ended while starting`);
      if (Date.now() > deadline) throw new Error(`${name} is not ready after ${READY_MS / 1000} s`);
      await sleep(POLL_MS);
    }
    this.services.push({ name, process: running, socketPort: ports.socket, consolePort: ports.console });
  }
}

async function isReady(healthPort: number | undefined): Promise<boolean> {
  if (healthPort === undefined) return false;
  const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => undefined);
  return answer?.ok ?? false;
}
