/**
 * The API command `regex DATA|PATTERN|SUBSTITUTION|FLAGS` without other delimiters (regex_function in mod_commands.c).
 * Without a match its output is DATA, or nothing with the flag `n`. It counts bytes.
 */
export function regexCommand(args: string): string {
  const [data = '', pattern = '', substitution, flags = ''] = args.split('|', 4);
  const match = new RegExp(pattern, 's').exec(Buffer.from(data).toString('latin1'));
  if (substitution === undefined) return String(match !== null);
  if (match === null) return flags.includes('n') ? '' : data;
  const found = substitution.replaceAll(/[%$](\d)/g, (_, group: string) => match[Number(group)] ?? '');
  return Buffer.from(found, 'latin1').toString();
}
