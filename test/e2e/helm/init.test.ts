import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesFor } from '#services/cli/init/files.ts';
import { CHART, helm, KUBERNETES } from './helm.ts';

test('the chart accepts the values of dialhook init', async () => {
  const answers = {
    FREESWITCH_HOST: '10.0.0.11',
    FREESWITCH_PORT: '8021',
    NODE_NAME: 'fs1',
    NATS_URL: 'nats://10.0.0.5:4222',
    NATS_USER: 'cti',
    NATS_PASSWORD: 'hush',
    REDIS_URL: 'redis://10.0.0.6:6379',
    REDIS_PASSWORD: 'hush',
    DEFAULT_ENDPOINT_URL: 'https://crm.example/calls',
  };
  const [values] = filesFor('kubernetes', answers, { repository: 'registry.example/dialhook', tag: '1.2.3' });
  const folder = mkdtempSync(join(tmpdir(), 'dialhook-init-'));
  const path = join(folder, 'values.yaml');
  writeFileSync(path, values?.text ?? '');
  const manifests = await helm('template', 'evening', CHART, '--kube-version', KUBERNETES, '-f', path);
  rmSync(folder, { recursive: true });
  for (const words of ['registry.example/dialhook:1.2.3', 'nats://10.0.0.5:4222', 'freeswitch-password'])
    expect(manifests).toContain(words);
  expect(manifests).not.toContain('hush');
});
