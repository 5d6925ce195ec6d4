import { compose } from './compose.ts';
import { envFiles } from './env-files.ts';
import { kubernetesFiles } from './kubernetes.ts';
import type { Image, OutputFile } from './output.ts';
import type { Answers, Target } from './questions.ts';

/** The files of a target. @throws {UsageError} when a value cannot be written to an environment file */
export function filesFor(target: Target, answers: Answers, image: Image): readonly OutputFile[] {
  if (target === 'kubernetes') return kubernetesFiles(answers, image);
  const files = envFiles(answers);
  return target === 'systemd' ? files : [compose(answers, image), ...files];
}
