import { EXIT, type Given, type Terminal, UsageError } from '../command.ts';
import { run as runDoctor } from '../doctor/run.ts';
import { readAnswers, readTarget } from './answers.ts';
import { startsNats, startsRedis } from './compose.ts';
import { filesFor } from './files.ts';
import { usesStack } from './kubernetes.ts';
import { DEFAULT_IMAGE, type Image } from './output.ts';
import { type Prompter, terminalPrompter } from './prompt.ts';
import type { Answers, Target } from './questions.ts';
import { writeFiles } from './write.ts';

const FOLDERS: Readonly<Record<Target, string>> = {
  systemd: '/etc/dialhook',
  compose: '.',
  kubernetes: '.',
};

function imageOf({ options: { image = DEFAULT_IMAGE } }: Given): Image {
  const [, repository, tag] = /^([\w./:-]+):([\w][\w.-]*)$/.exec(image) ?? [];
  if (repository === undefined || tag === undefined || tag === 'latest')
    throw new UsageError('--image must be REPOSITORY:TAG, with a tag other than latest');
  return { repository, tag };
}

/** Whether a server is not installed yet, but by the compose file or the chart. */
const isInstalledLater = (target: Target, answers: Answers) => ({
  nats: target === 'compose' ? startsNats(answers) : answers['NATS_URL'] === undefined,
  redis: target === 'compose' ? startsRedis(answers) : answers['REDIS_URL'] === undefined,
});

/** The areas whose servers run before Dialhook does. */
function areasOf(target: Target, answers: Answers): string[] {
  const later = isInstalledLater(target, answers);
  return ['freeswitch', ...(later.nats ? [] : ['nats']), ...(later.redis ? [] : ['redis']), 'endpoint'];
}

/** FreeSWITCH takes what follows the last colon as the port: an IPv6 address has no brackets. */
const dialplanOf = ({ SOCKET_HOST: host = '127.0.0.1' }: Answers) => [
  'and in the dialplan:',
  `  <action application="socket" data="${host}:8084"/>`,
];

const STACK = [
  'helm dependency update helm/dialhook-stack',
  'helm install dialhook helm/dialhook-stack -f values.yaml --render-subchart-notes',
];
const CHART = ['helm install dialhook helm/dialhook -f values.yaml'];

/** The commands that follow. Helm prints the lines for the dialplan. */
function nextOf(target: Target, answers: Answers): readonly string[] {
  if (target === 'kubernetes')
    return ['kubectl apply -f secret.yaml', ...(usesStack(answers) ? STACK : CHART), 'helm test dialhook'];
  const start =
    target === 'systemd'
      ? 'systemctl enable --now dialhook-router dialhook-notifier dialhook-console dialhook-agent'
      : 'docker compose -f compose.yaml up -d';
  return [start, 'dialhook doctor', ...dialplanOf(answers)];
}

const NO_PROMPT: Partial<Prompter> = {};

async function readAll(given: Given, terminal: Terminal): Promise<readonly [Target, Answers]> {
  const asks = process.stdin.isTTY && !given.flags.has('yes');
  using prompter = asks ? terminalPrompter(terminal.stop) : undefined;
  const { prompt } = prompter ?? NO_PROMPT;
  const target = await readTarget(given, prompt);
  return [target, await readAnswers(target, given, prompt, terminal)];
}

/** Writes the files, then checks the servers with exactly the settings in them. */
export async function run(given: Given, terminal: Terminal): Promise<number> {
  if (given.arguments.length > 0) throw new UsageError('init takes options only');
  const image = imageOf(given);
  const [target, answers] = await readAll(given, terminal);
  const folder = given.options['dir'] ?? FOLDERS[target];
  const written = await writeFiles(folder, filesFor(target, answers, image), given.flags.has('force'));
  for (const path of written) terminal.out(`wrote ${path}`);
  const doctor = {
    options: {},
    lists: { only: areasOf(target, answers) },
    flags: new Set<string>(),
    arguments: [],
  };
  const code = given.flags.has('skip-doctor')
    ? EXIT.ok
    : await runDoctor(doctor, { ...terminal, env: answers });
  terminal.out(
    `\nNext:\n${nextOf(target, answers)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  );
  return code;
}
