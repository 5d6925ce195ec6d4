import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { ConfigError } from '#libs/config/config.ts';

export const EXIT = { ok: 0, failed: 1, usage: 64, configuration: 78 } as const;

/** What a command has of the world. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Writes a line of the result. */
  readonly out: (line: string) => void;
  /** Writes a line that is not the result. */
  readonly err: (line: string) => void;
}

export interface Option {
  readonly help: string;
  /** What its value is, e.g. `UUID`; without it the option is a flag. */
  readonly value?: string;
}

/** What was given to a command: its options by name, and all else. */
export interface Given {
  readonly options: Readonly<Record<string, string | undefined>>;
  readonly flags: ReadonlySet<string>;
  readonly arguments: readonly string[];
}

export interface Command {
  readonly name: string;
  /** Its arguments in words, e.g. `ID`. */
  readonly arguments?: string;
  readonly help: string;
  readonly options: Readonly<Record<string, Option>>;
  /** @returns an exit code. @throws {UsageError} */
  readonly run: (given: Given, terminal: Terminal) => Promise<number>;
}

/** Commands about one thing: `dialhook GROUP COMMAND`. */
export interface CommandGroup {
  readonly name: string;
  readonly help: string;
  readonly commands: readonly Command[];
}

/** The command was not given what it needs, or what it does not know. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const FOOTER = `
Settings are environment variables, those of the notifier: REDIS_URL, QUEUE_PREFIX.
Exit codes: 0 done; 1 nothing found, or it failed; 64 wrong usage; 78 wrong configuration.`;

const flag = (name: string, { value }: Option) => (value === undefined ? `--${name}` : `--${name} ${value}`);

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const synopsis = (group: CommandGroup, command: Command): string =>
  ['dialhook', group.name, command.name, command.arguments, '[OPTION...]'].filter(Boolean).join(' ');

function groupHelp(group: CommandGroup): string {
  const commands = group.commands.map((command) => {
    const options = Object.entries(command.options).map(
      ([name, option]) => [`  ${flag(name, option)}`, option.help] as const,
    );
    return [
      `${synopsis(group, command)}\n  ${command.help}`,
      ...(options.length > 0 ? [columns(options)] : []),
    ].join('\n');
  });
  return `${group.help}\n\n${commands.join('\n\n')}\n${FOOTER}`;
}

function help(groups: readonly CommandGroup[]): string {
  const rows = groups.flatMap((group) =>
    group.commands.map((command) => [`${group.name} ${command.name}`, command.help] as const),
  );
  return `Usage: dialhook GROUP COMMAND [OPTION...]\n\n${columns(rows)}\n\ndialhook GROUP --help tells of its options.${FOOTER}`;
}

function read(command: Command, args: readonly string[]): Given {
  const config: ParseArgsOptionsConfig = {};
  for (const [name, { value }] of Object.entries(command.options))
    config[name] = { type: value === undefined ? 'boolean' : 'string' };
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: config, allowPositionals: true });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  };
  const { values, positionals } = parse();
  const given = Object.entries(values);
  const options = given.filter((one): one is [string, string] => typeof one[1] === 'string');
  const flags = given.filter(([, value]) => value === true).map(([name]) => name);
  return { options: Object.fromEntries(options), flags: new Set(flags), arguments: positionals };
}

/** Finds the command and runs it. @returns the exit code; every way of failing is one. */
export async function runCommandLine(
  groups: readonly CommandGroup[],
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const [groupName = '', commandName = '', ...rest] = args;
  const group = groups.find(({ name }) => name === groupName);
  const command = group?.commands.find(({ name }) => name === commandName);
  const text = group ? groupHelp(group) : help(groups);
  if (args.includes('--help') || args.includes('-h') || groupName === 'help') {
    terminal.out(text);
    return EXIT.ok;
  }
  try {
    if (!command)
      throw new UsageError(`no such command: ${[groupName, commandName].join(' ').trim() || '(none)'}`);
    return await command.run(read(command, rest), terminal);
  } catch (error) {
    const lines = (error as Error).message.split('\n');
    for (const line of lines) terminal.err(`dialhook: ${line}`);
    if (error instanceof ConfigError) return EXIT.configuration;
    if (!(error instanceof UsageError)) return EXIT.failed;
    terminal.err(`\n${text}`);
    return EXIT.usage;
  }
}
