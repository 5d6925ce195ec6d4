import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import { placeCall } from '#libs/simulator/dialplan-call.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { freePort } from '#test/support/ports.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { type ProbeEndpoint, startEndpoint } from '../../../deploy/probe/endpoint.ts';
import { render } from './helm.ts';
import type { Manifest } from './manifests.ts';
import { containerOf, Pod } from './pod.ts';
import { VALUE_SETS } from './value-sets.ts';

/** The chart's containers, with their commands and variables, as processes: `helm test`, and pods replaced under calls. */

const EVERY_MS = 40;
const values = VALUE_SETS.find(({ name }) => name === 'one-node')?.path ?? '';

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

describe('an installed cluster, as processes', () => {
  const pods: Pod[] = [];
  const service = new Service();
  let manifests: readonly Manifest[];
  let nats: NatsServer;
  let redis: RedisServer;
  let freeswitch: SimulatedFreeSwitch;
  let endpoint: ProbeEndpoint;
  let address = '';

  function start(name: string): Pod {
    const pod = new Pod(containerOf(manifests, `dialhook-${name}`), {
      NATS_URL: nats.url,
      REDIS_URL: redis.url,
      SOCKET_HOST: '127.0.0.1',
      SOCKET_PORT: '0',
      FREESWITCH_HOST: freeswitch.host,
      FREESWITCH_PORT: String(freeswitch.port),
      FREESWITCH_PASSWORD: freeswitch.password,
    });
    pods.push(pod);
    return pod;
  }

  async function startTest(given: Readonly<Record<string, string>>): Promise<{ test: Pod; port: number }> {
    const [port, health] = await Promise.all([freePort(), freePort()]);
    const test = new Pod(containerOf(manifests, 'dialhook-test'), {
      NATS_URL: nats.url,
      ENDPOINT_HOST: '127.0.0.1',
      ENDPOINT_PORT: '0',
      SOCKET_PORT: String(port),
      HEALTH_PORT: String(health),
      ...given,
    });
    pods.push(test);
    return { test, port };
  }

  beforeAll(async () => {
    manifests = await render('-f', values, '--set', 'agents.drainSeconds=1');
    [nats, redis, freeswitch, endpoint] = await Promise.all([
      startNats(),
      startRedis(),
      SimulatedFreeSwitch.start({ name: 'fs1' }),
      startEndpoint(0),
    ]);
    freeswitch.gateways.add('gw');
    address = await service.listen();
    const [first, second] = [start('agent-fs1'), start('agent-fs1')];
    await Promise.all(
      [first, second, start('router'), start('router'), start('notifier')].map((pod) => pod.ready()),
    );
    service.pods.add(first).add(second);
  }, 90_000);

  afterAll(async () => {
    for (const pod of pods) pod.kill();
    service.close();
    endpoint?.stop();
    await freeswitch?.stop();
    await Promise.all([nats?.stop(), redis?.stop()]);
  });

  it.concurrent('passes helm test: a call through each agent, and one whose progress comes back', async () => {
    const container = containerOf(manifests, 'dialhook-test');
    expect(container.env.find(({ name }) => name === 'AGENTS')?.value).toBe('fs1=dialhook-agent-fs1:8084');
    const { test, port } = await startTest({ AGENTS: `fs1=${address}` });
    expect(await test.ended(), test.log).toBe(0);
    expect(test.log.trim().split('\n').sort()).toEqual([
      `fs1: a call through ${address} was decided`,
      'notifier: the endpoint received ring, answer, hangup, in order',
      `the probe's own agent: a call through 127.0.0.1:${port} was decided`,
    ]);
  });

  it.concurrent('fails helm test, and says why, when an agent cannot be reached', async () => {
    const { test } = await startTest({
      AGENTS: `fs1=${address},fs2=127.0.0.1:9`,
      PROBE_TIMEOUT_MS: '1500',
    });
    expect(await test.ended()).toBe(1);
    expect(test.log).toContain('fs2: a call through 127.0.0.1:9 was not decided: no agent answered');
  });

  it('loses no call and no notification while every pod is replaced', async () => {
    const calls: Promise<CallRecord>[] = [];
    const stop = new AbortController();
    const placing = (async () => {
      while (!stop.signal.aborted) {
        calls.push(
          placeCall(freeswitch, {
            caller: { number: '100', name: 'probe' },
            destination: '100',
            endpoint: {
              url: `http://127.0.0.1:${endpoint.port}/`,
              connectTimeoutMs: 3_000,
              responseTimeoutMs: 3_000,
              notify: true,
            },
            socket: address,
          }).ended,
        );
        await sleep(EVERY_MS);
      }
    })();
    const drain = containerOf(manifests, 'dialhook-agent-fs1')['lifecycle'].preStop.sleep.seconds * 1000;

    const exits: unknown[] = [];
    const agents = async () => {
      for (const old of [...service.pods]) {
        service.pods.add(await start('agent-fs1').ready());
        // Kubernetes takes the pod out of the Service while its preStop hook runs; then comes SIGTERM.
        setTimeout(() => service.pods.delete(old), drain / 2);
        await sleep(drain);
        exits.push(await old.terminate());
      }
    };
    const workers = async (name: string) => {
      for (const old of pods.filter((pod) => pod.log.includes(`"service":"${name}"`))) {
        await start(name).ready();
        exits.push(await old.terminate());
      }
    };
    await Promise.all([agents(), workers('router'), workers('notifier')]);
    stop.abort();
    await placing;
    const records = await Promise.all(calls);
    expect(exits).toEqual([0, 0, 0, 0, 0]);

    expect(records.length).toBeGreaterThan(50);
    const undecided = records.filter(({ variables }) => variables['dialhook_result'] !== 'decided');
    const reasons = undecided.map(({ variables }) => [
      variables['dialhook_result'],
      variables['dialhook_error'],
    ]);
    expect(reasons).toEqual([]);
    const expected = ['ring', 'answer', 'hangup'];
    const missing = () => records.filter(({ uuid }) => endpoint.received(uuid).length < expected.length);
    for (const deadline = Date.now() + 20_000; missing().length > 0 && Date.now() < deadline; )
      await sleep(50);
    for (const { uuid } of records) expect(endpoint.received(uuid)).toEqual(expected);
    console.info(`calls placed while every pod was replaced: ${records.length}, lost: 0`);
  }, 120_000);
});
