import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { Cluster, type LogLine } from '#deploy/local/cluster.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { BUS } from '#libs/contract/messages.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { until } from '#test/support/until.ts';

/** Log events that mean a bug: the last resort of a process, or a task without an owner that handles its failure. */
const FAULTS = /^service\.(?:uncaught_exception|unhandled_rejection|task_failed)$/;
/** Behind the URL of the endpoint. */
const LATER = '/later';
const AGREED = ['channel_uuid', 'caller_id_number', 'caller_id_name', 'destination_number'] as const;

const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  agent: { RECONCILE_INTERVAL_MS: '1000', RECONCILE_CONFIRM_MS: '0', RECONCILE_RESTART_WAIT_MS: '0' },
  notifier: {
    RETRY_SCHEDULE_MS: '1,1',
    THROTTLE_FIRST_MS: '1',
    THROTTLE_MAX_MS: '20',
    DEAD_LETTER_MAX: '1000',
    QUEUE_CHECK_INTERVAL_MS: '1000',
  },
};

/** The FreeSWITCH of the target, a fake or a real one. */
export interface FuzzNode {
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  /** Places a call that is decided, and resolves when its hangup has been delivered. @throws if it is not decided. */
  goodCall(target: Target, uuid: string, hungUp: (id: string) => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Agent, routers, notifier and console as processes, with real NATS and Redis, a FreeSWITCH and an endpoint. */
export class Target {
  readonly url: string;
  readonly cluster: Cluster;
  readonly node: FuzzNode;
  readonly nats: NatsConnection;
  readonly redis: Redis;
  readonly lines: LogLine[];
  readonly #redisServer: RedisServer;
  readonly #endpoint: Server;
  readonly #heard: Heard;

  private constructor(parts: Parts) {
    this.url = parts.url;
    this.cluster = parts.cluster;
    this.node = parts.node;
    this.nats = parts.nats;
    this.redis = parts.redis;
    this.lines = parts.lines;
    this.#redisServer = parts.redisServer;
    this.#endpoint = parts.endpoint;
    this.#heard = parts.heard;
  }

  static async start(node: FuzzNode): Promise<Target> {
    const heard: Heard = {
      requests: new Map(),
      wrong: [],
      notified: new Map(),
      failed: new Set(),
      lost: [],
      counts: { requests: 0, notifications: 0, repeated: 0, withoutRequest: 0 },
    };
    const endpoint = startEndpoint(heard);
    await once(endpoint, 'listening');
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/calls`;
    const redisServer = await startRedis({ tcp: true });
    const lines: LogLine[] = [];
    const cluster = await Cluster.start({
      nodes: [
        {
          name: 'fs1',
          ...node.eventSocket,
          listen: { host: '127.0.0.1', port: 0 },
        },
      ],
      defaultEndpoint: undefined,
      console: true,
      env: (service) => ({ REDIS_URL: redisServer.url, ...SETTINGS[service] }),
      onLog: (line) => {
        if (line.level === 'error' || line.level === 'fatal') lines.push(line);
      },
      onLost: (name, code) => heard.lost.push(`${name} ended with ${code}`),
    });
    const nats = await connect({ servers: cluster.natsUrl });
    const redis = new Redis(redisServer.url);
    redis.on('error', () => {});
    return new Target({ url, cluster, node, nats, redis, lines, redisServer, endpoint, heard });
  }

  /** Requests and notifications that reached the endpoint: how deep the cases went. */
  get heard(): Readonly<Heard['counts']> {
    return this.#heard.counts;
  }

  /** The endpoint under a path where the first attempt of each notification fails. */
  get laterUrl(): string {
    return `${this.url}${LATER}`;
  }

  /** The last notification of a call since the last check. */
  notified(uuid: string): Notification | undefined {
    return this.#heard.notified.get(uuid);
  }

  get socketPort(): number {
    return this.cluster.socketPort('fs1');
  }

  /**
   * Checks after a batch: every process lives and is ready, a good call passes with its notifications, nothing is left
   * over, and requests and notifications agree. With `everyCallEnds`, each request has got the hangup of its call.
   * @throws with what is wrong.
   */
  async check(uuid: string, everyCallEnds = false): Promise<void> {
    this.#checkProcesses();
    await this.#goodCall(uuid);
    if (everyCallEnds) await this.#allEnded();
    await this.#nothingLeft();
    this.#checkProcesses();
    const wrong = this.#heard.wrong.splice(0);
    this.#heard.requests.clear();
    this.#heard.notified.clear();
    this.#heard.failed.clear();
    this.lines.length = 0;
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  }

  async stop(): Promise<void> {
    await this.nats.close();
    this.redis.disconnect();
    await this.cluster.stop();
    await Promise.all([this.node.stop(), this.#redisServer.stop()]);
    this.#endpoint.closeAllConnections();
    this.#endpoint.close();
  }

  #checkProcesses(): void {
    const faults = this.lines.filter(({ event }) => FAULTS.test(String(event)));
    const found = [...this.#heard.lost, ...faults.map((line) => JSON.stringify(line))];
    if (found.length > 0) throw new Error(found.join('\n').slice(0, 5_000));
  }

  async #goodCall(uuid: string): Promise<void> {
    const heard = this.#heard.notified;
    await this.node.goodCall(this, uuid, (id) => heard.get(id)?.action === 'hangup');
  }

  async #allEnded(): Promise<void> {
    const { requests, notified } = this.#heard;
    const open = () => [...requests.values()].filter(({ uuid }) => notified.get(uuid)?.action !== 'hangup');
    await until('every call that was requested has its hangup', () => open().length === 0).catch(
      (error: Error) => {
        throw new Error(`${error.message}: ${open().length} calls, ${JSON.stringify(open().slice(0, 3))}`);
      },
    );
  }

  async #nothingLeft(): Promise<void> {
    const manager = await jetstreamManager(this.nats);
    const messages = async (stream: string) => (await manager.streams.info(stream)).state.messages;
    await until('no live entry is left', async () => (await messages(BUS.liveStream)) === 0);
    await until('no progress event is left', async () => (await messages(BUS.stream)) === 0);
    let left: string[] = [];
    const empty = () =>
      until('no notification waits in Redis', async () => {
        const keys = await this.redis.keys('{dialhook:*}:*');
        left = keys.filter((key) => !key.endsWith(':aside') && /:(?:waiting:|claim:|pending$)/.test(key));
        return left.length === 0;
      });
    // On a busy machine the queue is checked less often.
    await empty()
      .catch(empty)
      .catch(async (error: Error) => {
        const shown = left.slice(0, 5).map(async (key) => `${key} ${await this.redis.type(key)}`);
        throw new Error(`${error.message}: ${left.length}, ${(await Promise.all(shown)).join(', ')}`);
      });
    const consumers = await manager.streams.info(BUS.stream);
    if (consumers.state.consumer_count > 16)
      throw new Error(`${consumers.state.consumer_count} consumers of ${BUS.stream}`);
    const live = await manager.streams.info(BUS.liveStream);
    if (live.state.consumer_count > 1)
      throw new Error(`${live.state.consumer_count} consumers of live calls`);
  }
}

interface Heard {
  readonly requests: Map<string, EndpointRequest>;
  /** The last notification of each call. */
  readonly notified: Map<string, Notification>;
  /** Ids whose first attempt has failed. */
  readonly failed: Set<string>;
  readonly wrong: string[];
  readonly lost: string[];
  readonly counts: {
    requests: number;
    notifications: number;
    /** Requests and notifications that came again. */
    repeated: number;
    /** Hangups of calls that ended before their request was sent. */
    withoutRequest: number;
  };
}

interface Parts extends Pick<Target, 'url' | 'cluster' | 'node' | 'nats' | 'redis' | 'lines'> {
  readonly redisServer: RedisServer;
  readonly endpoint: Server;
  readonly heard: Heard;
}

function compare(heard: Heard, asked: EndpointRequest, body: EndpointRequest | Notification): void {
  for (const field of AGREED)
    if (asked[field] !== body[field])
      heard.wrong.push(`${field}: requested ${JSON.stringify(asked[field])}, then ${JSON.stringify(body)}`);
}

/** Answers requests with a hangup, and compares each notification with the request of its call. */
function startEndpoint(heard: Heard): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      if (request.url?.endsWith(LATER) && !heard.failed.has(id)) {
        heard.failed.add(id);
        response.writeHead(500).end();
        return;
      }
      response.setHeader('content-type', 'application/json');
      response.end('{"dial":{"type":"hangup","cause":17}}');
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as EndpointRequest | Notification;
      if (body.action === 'request') {
        heard.counts.requests++;
        // A hedged request can come twice.
        const before = heard.requests.get(body.uuid);
        if (before !== undefined) {
          heard.counts.repeated++;
          compare(heard, before, body);
        }
        heard.requests.set(body.uuid, body);
        return;
      }
      heard.counts.notifications++;
      if (heard.notified.get(body.uuid)?.action === body.action) heard.counts.repeated++;
      heard.notified.set(body.uuid, body);
      const asked = heard.requests.get(body.uuid);
      if (asked !== undefined) compare(heard, asked, body);
      else if (body.action === 'hangup') {
        heard.counts.withoutRequest++;
        if (!body.recovered && body.result === 'decided')
          heard.wrong.push(`decided without a request: ${JSON.stringify(body)}`);
      }
    });
  }).listen(0, '127.0.0.1');
}
