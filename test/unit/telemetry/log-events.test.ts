import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LOG_EVENTS } from '#libs/telemetry/log-events.ts';

const root = join(import.meta.dirname, '../../..');
const OWN_FILE = 'libs/telemetry/log-events.ts';
const sources = globSync('{libs,services,deploy}/**/*.ts', { cwd: root })
  .filter((path) => path !== OWN_FILE)
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

it.each(Object.keys(LOG_EVENTS))('the log event %s is written somewhere', (code) => {
  expect(sources).toContain(`'${code}'`);
});
