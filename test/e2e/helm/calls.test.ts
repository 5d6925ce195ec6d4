import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '#test/support/ports.ts';
import { render } from './helm.ts';
import { InstalledCluster, thisVersion, type Version } from './installed.ts';
import { containerOf, type Pod } from './pod.ts';
import { VALUE_SETS } from './value-sets.ts';

/** The chart's containers, with their commands and variables, as processes: `helm test`, and pods replaced under calls. */

const EVERY_MS = 40;
const values = VALUE_SETS.find(({ name }) => name === 'one-node')?.path ?? '';

describe('an installed cluster, as processes', () => {
  let version: Version;
  let cluster: InstalledCluster;

  async function startTest(given: Readonly<Record<string, string>>): Promise<{ test: Pod; port: number }> {
    const [port, health] = await Promise.all([freePort(), freePort()]);
    const test = cluster.start('test', version, {
      ENDPOINT_HOST: '127.0.0.1',
      ENDPOINT_PORT: '0',
      SOCKET_PORT: String(port),
      HEALTH_PORT: String(health),
      ...given,
    });
    return { test, port };
  }

  beforeAll(async () => {
    version = thisVersion(await render('-f', values, '--set', 'agents.drainSeconds=1'));
    cluster = await InstalledCluster.install(version);
  }, 90_000);
  afterAll(() => cluster?.stop());

  it.concurrent('passes helm test: a call through each agent, and one whose progress comes back', async () => {
    const container = containerOf(version.manifests, 'dialhook-test');
    expect(container.env.find(({ name }) => name === 'AGENTS')?.value).toBe('fs1=dialhook-agent-fs1:8084');
    const { test, port } = await startTest({ AGENTS: `fs1=${cluster.address}` });
    expect(await test.ended(), test.log).toBe(0);
    expect(test.log.trim().split('\n').sort()).toEqual([
      `fs1: a call through ${cluster.address} was decided`,
      'notifier: the endpoint received ring, answer, hangup, in order',
      `the probe's own agent: a call through 127.0.0.1:${port} was decided`,
    ]);
  });

  it.concurrent('fails helm test, and says why, when an agent cannot be reached', async () => {
    const { test } = await startTest({
      AGENTS: `fs1=${cluster.address},fs2=127.0.0.1:9`,
      PROBE_TIMEOUT_MS: '1500',
    });
    expect(await test.ended()).toBe(1);
    expect(test.log).toContain('fs2: a call through 127.0.0.1:9 was not decided: no agent answered');
  });

  it('loses no call and no notification while every pod is replaced', async () => {
    const exits: unknown[] = [];
    const records = await cluster.callsDuring(EVERY_MS, async () => {
      exits.push(...(await cluster.replacePods(2, version)));
    });
    expect(exits).toEqual(Array(6).fill(0));
    expect(records.length).toBeGreaterThan(50);
    await cluster.expectNothingLost(records);
    console.info(`calls placed while every pod was replaced: ${records.length}, lost: 0`);
  }, 120_000);
});
