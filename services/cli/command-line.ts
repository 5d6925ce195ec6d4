import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { ConfigError } from '#libs/config/config.ts';
import { commandHelp, generalHelp } from './help.ts';

export const EXIT = { ok: 0, failed: 1, usage: 64, configuration: 78 } as const;

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (format: Format, text: string) => string;

/** What a command has of the world. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Writes a line of the result. */
  readonly out: (line: string) => void;
  /** Writes a line that is not the result. */
  readonly err: (line: string) => void;
  /** Colours text, where there are colours. */
  readonly paint: Paint;
  /** Ends a command that would go on for ever. */
  readonly stop: AbortSignal;
}

export interface Option {
  readonly help: string;
  /** What its value is, e.g. `UUID`; without it the option is a flag. */
  readonly value?: string;
  /** It may be given more than once. */
  readonly many?: true;
}

/** What was given to a command: its options by name, and all else. */
export interface Given {
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Of options that may be given more than once. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly flags: ReadonlySet<string>;
  readonly arguments: readonly string[];
}

export interface Command {
  /** One word, or two when there are several commands about one thing: `dead-letters list`. */
  readonly name: string;
  /** Its arguments in words, e.g. `ID`. */
  readonly arguments?: string;
  readonly help: string;
  readonly options: Readonly<Record<string, Option>>;
  /** The environment variables that it reads. */
  readonly settings?: string;
  /** What exit code 1 means. */
  readonly fails: string;
  /** @returns an exit code. @throws {UsageError} */
  readonly run: (given: Given, terminal: Terminal) => Promise<number>;
}

/** The command was not given what it needs, or what it does not know. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function read(command: Command, args: readonly string[]): Given {
  const config: ParseArgsOptionsConfig = {};
  for (const [name, { value, many = false }] of Object.entries(command.options))
    config[name] = { type: value === undefined ? 'boolean' : 'string', multiple: many };
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
  const lists = given.filter((one): one is [string, string[]] => Array.isArray(one[1]));
  const flags = given.filter(([, value]) => value === true).map(([name]) => name);
  return {
    options: Object.fromEntries(options),
    lists: Object.fromEntries(lists),
    flags: new Set(flags),
    arguments: positionals,
  };
}

const wordsOf = ({ name }: Command): string[] => name.split(' ');

const begins = (args: readonly string[], words: readonly string[]): boolean =>
  words.every((word, index) => word === args[index]);

function noSuchCommand(args: readonly string[]): UsageError {
  const words = args.slice(0, 2).filter((arg) => !arg.startsWith('-'));
  return new UsageError(`no such command: ${words.join(' ') || '(none)'}`);
}

/** Finds the command and runs it. @returns the exit code; every way of failing is one. */
export async function runCommandLine(
  commands: readonly Command[],
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const command = commands.find((one) => begins(args, wordsOf(one)));
  const related = command ? [command] : commands.filter((one) => wordsOf(one)[0] === args[0]);
  const help = related.length > 0 ? related.map(commandHelp).join('\n\n') : generalHelp(commands);
  if (args.includes('--help') || args.includes('-h') || args[0] === 'help') {
    terminal.out(help);
    return EXIT.ok;
  }
  try {
    if (!command) throw noSuchCommand(args);
    return await command.run(read(command, args.slice(wordsOf(command).length)), terminal);
  } catch (error) {
    const lines = (error as Error).message.split('\n');
    for (const line of lines) terminal.err(`dialhook: ${line}`);
    if (error instanceof ConfigError) return EXIT.configuration;
    if (!(error instanceof UsageError)) return EXIT.failed;
    terminal.err(`\n${help}`);
    return EXIT.usage;
  }
}
