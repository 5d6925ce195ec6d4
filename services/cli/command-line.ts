import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { ConfigError } from '#libs/config/config.ts';
import { type Command, EXIT, type Given, type Terminal, UsageError } from './command.ts';
import { commandHelp, generalHelp } from './help.ts';

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

/** Finds the command and runs it. Errors are written to `terminal.err`. @returns the exit code */
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
