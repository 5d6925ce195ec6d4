import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import { placeCall } from '#libs/simulator/dialplan-call.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { until } from '#test/support/until.ts';
import { type ProbeEndpoint, startEndpoint } from '../../../deploy/probe/endpoint.ts';
import { ROOT } from './image.ts';
import type { Manifest } from './manifests.ts';
import { containerOf, Pod, podNamed } from './pod.ts';

const MAX_CALLS_IN_FLIGHT = 10;
/** Of the endpoint, which runs in this process and waits for a busy machine; less than STOP_DEADLINE_MS. */
const TIMEOUT_MS = 15_000;

/** What a Service does: each connection goes to one of the pods that are ready. */
class Service {
  readonly pods = new Set<Pod>();
  readonly #server: Server;
  #next = 0;

  constructor() {
    this.#server = createServer((caller) => {
      const pods = [...this.pods];
      const pod = pods[this.#next++ % pods.length];
      if (pod === undefined) {
        caller.resetAndDestroy();
        return;
      }
      const agent = connect(pod.socketPort, '127.0.0.1');
      caller.pipe(agent).pipe(caller);
      agent.on('error', () => caller.resetAndDestroy());
      caller.on('error', () => agent.destroy());
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

/** A rendered chart, and the folder with the services of its version. */
export interface Version {
  readonly manifests: readonly Manifest[];
  readonly folder: string;
}

export const thisVersion = (manifests: readonly Manifest[]): Version => ({ manifests, folder: ROOT });

const SERVICES = ['agent-fs1', 'router', 'notifier'] as const;
type Name = (typeof SERVICES)[number];

/** The chart's containers for one FreeSWITCH node as processes, with simulated calls through its Service. */
export class InstalledCluster {
  readonly nats: NatsServer;
  readonly #redis: RedisServer;
  readonly #freeswitch: SimulatedFreeSwitch;
  readonly #endpoint: ProbeEndpoint;
  readonly #service: Service;
  /** HOST:PORT of the Service of the agents. */
  readonly address: string;
  readonly #started: Pod[] = [];
  readonly #running: Record<Name, Pod[]> = { 'agent-fs1': [], router: [], notifier: [] };

  private constructor(
    [nats, redis, freeswitch, endpoint]: readonly [
      NatsServer,
      RedisServer,
      SimulatedFreeSwitch,
      ProbeEndpoint,
    ],
    service: Service,
    address: string,
  ) {
    this.nats = nats;
    this.#redis = redis;
    this.#freeswitch = freeswitch;
    this.#endpoint = endpoint;
    this.#service = service;
    this.address = address;
  }

  /** Two pods of each service. */
  static async install(version: Version): Promise<InstalledCluster> {
    const servers = await Promise.all([
      startNats(),
      startRedis(),
      SimulatedFreeSwitch.start({ name: 'fs1' }),
      startEndpoint(0),
    ]);
    servers[2].gateways.add('gw');
    const service = new Service();
    const cluster = new InstalledCluster(servers, service, await service.listen());
    try {
      await Promise.all([...SERVICES, ...SERVICES].map((name) => cluster.#add(name, version)));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** A container of the chart that the cluster stops, with what only a cluster knows. */
  start(name: string, { manifests, folder }: Version, settings: Readonly<Record<string, string>> = {}): Pod {
    const given = { NATS_URL: this.nats.url, ...settings };
    const pod = new Pod(podNamed(manifests, `dialhook-${name}`), given, folder);
    this.#started.push(pod);
    return pod;
  }

  /** Replaces pods of every service, those of one service one after the other. Resolves with their exit codes. */
  async replacePods(count: number, version: Version): Promise<(number | 'killed' | null)[]> {
    const exits = SERVICES.map(async (name) => {
      const ofOne: Awaited<ReturnType<Pod['terminate']>>[] = [];
      for (let n = 0; n < count; n++) ofOne.push(await this.#replace(name, version));
      return ofOne;
    });
    return (await Promise.all(exits)).flat();
  }

  /**
   * Places a call every so many ms while `work` runs, fewer on a machine that cannot keep up. Resolves with all calls,
   * when they have ended.
   */
  async callsDuring(everyMs: number, work: () => Promise<unknown>): Promise<CallRecord[]> {
    const calls: Promise<CallRecord>[] = [];
    let inFlight = 0;
    const timer = setInterval(() => {
      if (inFlight >= MAX_CALLS_IN_FLIGHT) return;
      inFlight++;
      calls.push(this.#call().finally(() => inFlight--));
    }, everyMs);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    return Promise.all(calls);
  }

  /** Every call was decided, and the endpoint has ring, answer and hangup of it, in order. */
  async expectNothingLost(records: readonly CallRecord[]): Promise<void> {
    const undecided = records.filter(({ variables }) => variables['dialhook_result'] !== 'decided');
    expect(
      undecided.map(({ variables }) => [variables['dialhook_result'], variables['dialhook_error']]),
    ).toEqual([]);
    const expected = ['ring', 'answer', 'hangup'];
    await until(() => {
      const wrong = records
        .map(({ uuid }) => [uuid, this.#endpoint.received(uuid)] as const)
        .filter(([, actions]) => actions.join() !== expected.join());
      expect(wrong).toEqual([]);
    });
  }

  async stop(): Promise<void> {
    for (const pod of this.#started) pod.kill();
    this.#service.close();
    this.#endpoint.stop();
    await this.#freeswitch.stop();
    await Promise.all([this.nats.stop(), this.#redis.stop()]);
  }

  async #add(name: Name, version: Version): Promise<void> {
    const freeswitch = this.#freeswitch;
    const pod = await this.start(name, version, {
      REDIS_URL: this.#redis.url,
      SOCKET_HOST: '127.0.0.1',
      SOCKET_PORT: '0',
      FREESWITCH_HOST: freeswitch.host,
      FREESWITCH_PORT: String(freeswitch.port),
      FREESWITCH_PASSWORD: freeswitch.password,
    }).ready();
    this.#running[name].push(pod);
    if (name === 'agent-fs1') this.#service.pods.add(pod);
  }

  /**
   * Replaces the oldest pod of a service as Kubernetes does: a new pod is ready, the old one leaves the Service while its
   * preStop hook runs, then comes SIGTERM. Resolves with the exit code of the old pod.
   */
  async #replace(name: Name, version: Version): Promise<number | 'killed' | null> {
    const old = this.#running[name].shift();
    await this.#add(name, version);
    if (old === undefined) throw new Error(`there is no ${name}`);
    if (this.#service.pods.has(old)) {
      const { seconds } = containerOf(version.manifests, 'dialhook-agent-fs1')['lifecycle'].preStop.sleep;
      await sleep(seconds * 500);
      this.#service.pods.delete(old);
      await sleep(seconds * 500);
    }
    return old.terminate();
  }

  #call(): Promise<CallRecord> {
    return placeCall(this.#freeswitch, {
      caller: { number: '100', name: 'probe' },
      destination: '100',
      endpoint: {
        url: `http://127.0.0.1:${this.#endpoint.port}/`,
        connectTimeoutMs: TIMEOUT_MS,
        responseTimeoutMs: TIMEOUT_MS,
        notify: true,
      },
      socket: this.address,
    }).ended;
  }
}
