import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { secret } from '#libs/config/settings.ts';
import { plainErrors } from '#libs/contract/plain-errors.ts';
import { type Given, type Terminal, UsageError } from '../command.ts';
import { type Answers, optionOf, type Question, questionsFor, TARGETS, type Target } from './questions.ts';

/** Asks one question. @returns the answer, without blanks around it */
export type Prompt = (text: string, hidden: boolean) => Promise<string>;

const SECRETS = z.object({
  FREESWITCH_PASSWORD: secret().optional(),
  NATS_PASSWORD: secret().optional(),
  REDIS_PASSWORD: secret().optional(),
  ENDPOINT_SIGNING_SECRETS: secret().optional(),
  CONSOLE_VIEWER_TOKENS: secret().optional(),
  CONSOLE_OPERATOR_TOKENS: secret().optional(),
});

const GENERATED: Readonly<Record<string, () => string>> = {
  ENDPOINT_SIGNING_SECRETS: () => `whsec_${randomBytes(32).toString('base64')}`,
  CONSOLE_VIEWER_TOKENS: () => `viewer:${randomBytes(24).toString('hex')}`,
  CONSOLE_OPERATOR_TOKENS: () => `operator:${randomBytes(24).toString('hex')}`,
};

const isTarget = (text: string | undefined): text is Target => TARGETS.some((one) => one === text);

/** A question whose fallback is known. */
type Known = Omit<Question, 'fallback'> & { readonly fallback: string | undefined };

/** Why a value is refused, without the value. */
function problemOf({ setting, schema }: Known, value: string): string | undefined {
  // Environment files and prompts have one line for a value.
  if (/[\p{Cc}]/u.test(value)) return `${setting} must have no control characters`;
  const { error } = schema.safeParse(value, { error: plainErrors });
  return error === undefined ? undefined : `${setting} ${error.issues[0]?.message}`;
}

/** A default as shown in a prompt: the query of a URL may contain a token. */
const shown = ({ secret: hidden }: Known, value: string): string =>
  hidden || value === '' ? '' : ` [${value.replace(/\?.*/, '?...')}]`;

async function ask(
  question: Known,
  known: string | undefined,
  prompt: Prompt,
  { err }: Terminal,
): Promise<string> {
  const fallback =
    known !== undefined && problemOf(question, known) === undefined ? known : question.fallback;
  for (;;) {
    const { text, secret: hidden = false } = question;
    const answer = (await prompt(`${text}${shown(question, fallback ?? '')}: `, hidden)) || fallback;
    const problem =
      answer === undefined
        ? `${question.setting} is required`
        : answer === ''
          ? undefined
          : problemOf(question, answer);
    if (problem === undefined) return answer ?? '';
    err(problem);
  }
}

function withoutPrompt(question: Known, known: string | undefined): string {
  const value = known ?? question.fallback;
  const { setting, secret: hidden } = question;
  if (value === undefined)
    throw new UsageError(hidden ? `set ${setting} in the environment` : `--${optionOf(setting)} is required`);
  const problem = value === '' ? undefined : problemOf(question, value);
  if (problem !== undefined) throw new UsageError(problem);
  return value;
}

/** The target of the files. @throws {UsageError} */
export async function readTarget({ options }: Given, prompt: Prompt | undefined): Promise<Target> {
  let target = options['for'];
  while (target === undefined && prompt !== undefined) {
    const answer = (await prompt(`write files for ${TARGETS.join(', ')} [systemd]: `, false)) || 'systemd';
    target = isTarget(answer) ? answer : undefined;
  }
  if (target === undefined)
    throw new UsageError(
      `--for is required where no question can be answered (--yes, or standard input is not a terminal): --for ${TARGETS.join('|')}`,
    );
  if (!isTarget(target)) throw new UsageError(`--for must be one of ${TARGETS.join(', ')}`);
  return target;
}

/**
 * The settings of all services. Each is that of its option, else the answer to its question, else that of the
 * environment, else the default. Secrets have no option: other users of the host can read a command line.
 * @throws {UsageError}
 */
export async function readAnswers(
  target: Target,
  { options }: Given,
  prompt: Prompt | undefined,
  terminal: Terminal,
): Promise<Answers> {
  const secrets: Readonly<Record<string, string | undefined>> = readConfig(SECRETS, terminal.env);
  const answers: Record<string, string> = {};
  for (const one of questionsFor(target)) {
    const { setting, secret: hidden, when, fallback } = one;
    if (when?.(answers) === false) continue;
    const question = { ...one, fallback: typeof fallback === 'function' ? fallback(answers) : fallback };
    const option = hidden ? undefined : options[optionOf(setting)];
    const known = option ?? (hidden ? secrets[setting] : terminal.env[setting] || undefined);
    const value =
      option === undefined && prompt !== undefined
        ? await ask(question, known, prompt, terminal)
        : withoutPrompt(question, known);
    if (value !== '') answers[setting] = value;
  }
  for (const [setting, generate] of Object.entries(GENERATED))
    answers[setting] = secrets[setting] ?? generate();
  return answers;
}
