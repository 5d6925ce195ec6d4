import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { envLine } from '#services/cli/init/env-files.ts';

/**
 * Reads environment.d with the parser that systemd has for EnvironmentFile (parse_env_file in env-file.c). It also expands
 * `$`, and leaves out a setting without a value.
 */
const GENERATOR = '/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator';
const PRINT = 'process.stdout.write(JSON.stringify(process.env))';

const folder = mkdtempSync(join(tmpdir(), 'dialhook-env-files-'));
mkdirSync(join(folder, 'environment.d'));
const file = join(folder, 'environment.d', 'test.conf');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Settings = readonly (readonly [name: string, value: string])[];
const READERS = {
  'node --env-file': [process.execPath, `--env-file=${file}`, '-e', PRINT],
  systemd: ['sh', '-c', 'set -a; eval "$($0)"; exec "$1" -e "$2"', GENERATOR, process.execPath, PRINT],
} as const;

describe.each(Object.entries(READERS))('%s', (reader, [command, ...args]) => {
  const isMissing = reader === 'systemd' && !existsSync(GENERATOR);

  function read(settings: Settings, line: (name: string, value: string) => string): Settings {
    writeFileSync(file, settings.map(([name, value]) => `${line(name, value)}\n`).join(''));
    const env = { PATH: process.env['PATH'], XDG_CONFIG_HOME: folder };
    const found = JSON.parse(execFileSync(command, args, { env, encoding: 'utf8' })) as Record<
      string,
      string
    >;
    return settings.map(([name]) => [name, found[name] ?? '']);
  }

  it.skipIf(isMissing)(
    'reads each setting that the packages install, as a comment or not, as it is written',
    () => {
      const files = readdirSync('deploy/debian/files').filter((name) => name.endsWith('.env'));
      const text = files.map((name) => readFileSync(join('deploy/debian/files', name), 'utf8')).join('');
      const found = text.matchAll(/^#?([A-Z][A-Z0-9_]+)=(.*)$/gm);
      const settings = [...new Map([...found].map(([, name = '', value = '']) => [name, value]))];
      expect(settings.length).toBeGreaterThan(15);
      expect(read(settings, (name, value) => `${name}=${value}`)).toEqual(settings);
    },
  );

  it.skipIf(isMissing)('reads the lines that `dialhook init` writes', () => {
    const values = [
      'abc',
      'a # b',
      'a#b',
      '#a',
      ' a ',
      'a\\b',
      'a\\nb',
      'a"b',
      "it's",
      "a' #b",
      'a`b`',
      '张三',
      '',
    ];
    const settings: Settings = values.map((value, n) => [`X${n}`, value]);
    expect(read(settings, envLine)).toEqual(settings);
  });
});
