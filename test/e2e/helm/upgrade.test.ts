import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { earlierVersion } from '#test/chaos/earlier-version.ts';
import { EARLIER } from './earlier.ts';
import { CHART, helm, KUBERNETES } from './helm.ts';
import { InstalledCluster, thisVersion, type Version } from './installed.ts';
import { type Manifest, parseManifests } from './manifests.ts';

/**
 * An upgrade from the last release, and the way back: chart and services. The test under calls takes minutes:
 *
 *   UPGRADE_SECONDS=120 npm test -- test/e2e/helm/upgrade.test.ts
 */
const MIXED_SECONDS = Number(process.env['UPGRADE_SECONDS'] ?? 0);
const EVERY_MS = 100;
const VALUES = ['test', 'e2e', 'helm', 'values'];

const render = async (chart: string, ...args: readonly string[]): Promise<Manifest[]> =>
  parseManifests(
    await helm(
      ...['template', 'dialhook', chart, '--namespace', 'telephony', '--kube-version', KUBERNETES],
      ...args,
    ),
  );

describe.skipIf(EARLIER === undefined)('an upgrade from the last release', () => {
  const root = EARLIER ?? '';
  const files = EARLIER === undefined ? [] : readdirSync(join(root, ...VALUES));

  it.each(files)(
    'takes the values of %s, and changes no field that Kubernetes cannot change',
    async (file) => {
      const values = ['-f', join(root, ...VALUES, file)];
      const [before, after] = await Promise.all([
        render(join(root, 'helm', 'dialhook'), ...values),
        render(CHART, ...values),
      ]);
      const fixed = (manifests: readonly Manifest[]) =>
        manifests
          .filter(({ kind }) => ['Deployment', 'DaemonSet', 'Service'].includes(kind))
          .map(({ kind, metadata, spec }) => [
            kind,
            metadata.name,
            spec.clusterIP,
            kind === 'Service' || spec.selector,
          ]);
      expect(fixed(before).length).toBeGreaterThan(1);
      expect(fixed(after)).toEqual(expect.arrayContaining(fixed(before)));
    },
  );

  describe.skipIf(MIXED_SECONDS === 0)('under calls', () => {
    let cluster: InstalledCluster;
    let old: Version;
    let current: Version;

    beforeAll(async () => {
      const values = ['-f', join(root, ...VALUES, 'one-node.yaml'), '--set', 'agents.drainSeconds=1'];
      old = { manifests: await render(join(root, 'helm', 'dialhook'), ...values), folder: earlierVersion() };
      current = thisVersion(await render(CHART, ...values));
      cluster = await InstalledCluster.install(old);
    });
    afterAll(() => cluster?.stop());

    it.each([
      ['upgrade', () => current],
      ['rollback', () => old],
    ] as const)(
      'loses nothing during the %s, with both versions for minutes',
      async (_, version) => {
        const exits: unknown[] = [];
        const records = await cluster.callsDuring(EVERY_MS, async () => {
          exits.push(...(await cluster.replacePods(1, version())));
          await sleep(MIXED_SECONDS * 1_000);
          exits.push(...(await cluster.replacePods(1, version())));
        });
        expect(exits).toEqual(Array(6).fill(0));
        await cluster.expectNothingLost(records);
        console.info(`calls: ${records.length}, lost: 0`);
      },
      MIXED_SECONDS * 1_000 + 180_000,
    );
  });
});
