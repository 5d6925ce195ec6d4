import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The stages of a Dockerfile, each with its instructions; line ends behind a backslash and comments are gone. */
export function readDockerfile(path = join(ROOT, 'deploy', 'Dockerfile')): Instruction[][] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, text });
  }
  return stages;
}

/** What a stage says with one instruction, in order. */
export const said = (stage: readonly Instruction[] | undefined, name: string): string[] =>
  (stage ?? []).filter((one) => one.name === name).map((one) => one.text);

/** The variables of ENV. */
export const environment = (stage: readonly Instruction[] | undefined): Record<string, string> =>
  Object.fromEntries(
    said(stage, 'ENV')
      .flatMap((text) => text.split(/\s+/))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
