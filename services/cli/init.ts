import type { Command, Option } from './command.ts';
import { DEFAULT_IMAGE } from './init/output.ts';
import { optionOf, questionsFor, TARGETS } from './init/questions.ts';

const settings: Readonly<Record<string, Option>> = Object.fromEntries(
  questionsFor('systemd')
    .filter(({ secret }) => !secret)
    .map(({ setting, text }) => [optionOf(setting), { value: 'TEXT', help: text }]),
);

export const init: Command = {
  name: 'init',
  help: 'write the settings of all services for one FreeSWITCH node, and check them with doctor; asks on a terminal for what no option gives',
  options: {
    for: {
      value: TARGETS.join('|'),
      help: 'systemd: environment files; compose: these and a compose file; kubernetes: values for the chart dialhook, or dialhook-stack where no URL of NATS or Redis is given, and a Secret',
    },
    dir: {
      value: 'FOLDER',
      help: 'where the files go (default /etc/dialhook for systemd, else this folder)',
    },
    ...settings,
    image: {
      value: 'REPOSITORY:TAG',
      help: `image of the services for compose and kubernetes (default ${DEFAULT_IMAGE})`,
    },
    yes: { help: 'ask nothing: what no option gives is that of the environment, or the default' },
    force: { help: 'overwrite files that exist. Without it, files that set nothing get the settings added' },
    'skip-doctor': { help: 'do not connect to FreeSWITCH, NATS, Redis and the endpoint' },
  },
  settings:
    'FREESWITCH_PASSWORD, NATS_PASSWORD and REDIS_PASSWORD, or NAME_FILE, which have no option; ENDPOINT_SIGNING_SECRETS, CONSOLE_VIEWER_TOKENS and CONSOLE_OPERATOR_TOKENS, which are generated when they are not set; defaults of the other settings',
  fails: 'files exist, or doctor has found an error (the files are written)',
  run: async (given, terminal) => (await import('./init/run.ts')).run(given, terminal),
};
