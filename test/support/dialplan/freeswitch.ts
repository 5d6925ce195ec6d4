import type { Application } from '#libs/dialplan/settings.ts';
import { extensionOf } from '#libs/simulator/dialplan/task.ts';
import { type Command, CommandReader, commandHeader } from '#libs/simulator/event-socket/command-reader.ts';

/** Commands, without the empty line at the end of each, as FreeSWITCH reads them. */
export const commandsOf = (...commands: readonly string[]): Command[] =>
  new CommandReader().push(Buffer.from(commands.map((command) => `${command}\n\n`).join('')));

/** The applications of a command as FreeSWITCH runs them. `execute` has their data in its body. */
export function applicationsOf(command: Command): readonly Application[] {
  if (commandHeader(command, 'call-command') === 'execute')
    return [{ name: commandHeader(command, 'execute-app-name') ?? '', data: command.body }];
  return extensionOf(command.headers.filter(([name]) => name === 'application').map(([, value]) => value));
}

/** What the called legs get by `export_function` of mod_dptools.c: the value begins behind the first equals sign. */
export function exportsOf(applications: readonly Application[]): Map<string, string> {
  const exports = new Map<string, string>();
  for (const { data } of applications.filter(({ name }) => name === 'export')) {
    const [name, value] = [data.slice(0, data.indexOf('=')), data.slice(data.indexOf('=') + 1)];
    if (!name.startsWith('nolocal:')) throw new Error(`set on the caller leg as well: ${name}`);
    exports.set(name.slice('nolocal:'.length), value);
  }
  return exports;
}
