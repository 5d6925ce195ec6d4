import type { Command, Option } from './command.ts';

const optionText = (name: string, { value, many }: Option): string =>
  `--${name}${value === undefined ? '' : ` ${value}`}${many ? ' ...' : ''}`;

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const synopsis = ({ name, arguments: rest, options }: Command): string =>
  ['dialhook', name, rest, Object.keys(options).length > 0 ? '[OPTION...]' : undefined]
    .filter(Boolean)
    .join(' ');

const optionsOf = ({ options }: Command): (readonly [string, string])[] =>
  Object.entries(options).map(([name, option]) => [optionText(name, option), option.help]);

/** Help text of one command. */
export function commandHelp(command: Command): string {
  const options = optionsOf(command);
  return [
    synopsis(command),
    `  ${command.help}`,
    ...(options.length > 0 ? ['', columns(options)] : []),
    '',
    ...(command.settings === undefined ? [] : [`  Environment: ${command.settings}`]),
    `  Exit codes: 0 success; 1 ${command.fails}; 64 wrong usage; 78 invalid configuration`,
  ].join('\n');
}

/** The list of commands. */
export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, arguments: rest, help }) => [
    [name, rest].filter(Boolean).join(' '),
    help,
  ]) as [string, string][];
  return `Usage: dialhook COMMAND [OPTION...]\n\n${columns(rows)}\n\ndialhook COMMAND --help prints its options, environment variables and exit codes.`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Help text of one command as a section of docs/cli.md. */
export function commandPage(command: Command): string {
  const options = optionsOf(command).map(([option, help]) => `| \`${cell(option)}\` | ${cell(help)} |`);
  const { settings, fails, help } = command;
  return [
    `## ${command.name}`,
    `    ${synopsis(command)}`,
    `${help.charAt(0).toUpperCase()}${help.slice(1)}.`,
    ...(options.length > 0 ? [['| option | |', '| --- | --- |', ...options].join('\n')] : []),
    `${settings === undefined ? '' : `Environment: ${settings}. `}Exit code 1: ${fails}.`,
  ].join('\n\n');
}
