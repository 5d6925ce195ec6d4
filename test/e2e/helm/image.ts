import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The stages of a Dockerfile, each with its instructions, without comments. The arguments before the first are resolved. */
export function readDockerfile(path = join(ROOT, 'deploy', 'Dockerfile')): Instruction[][] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  const args: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    const stage = stages.at(-1);
    if (stage !== undefined)
      stage.push({ name, text: text.replaceAll(/\$\{(\w+)\}/g, (all, arg) => args[arg] ?? all) });
    else if (name === 'ARG') args[text.slice(0, text.indexOf('='))] = text.slice(text.indexOf('=') + 1);
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
