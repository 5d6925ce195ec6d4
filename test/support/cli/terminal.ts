import { runCommandLine } from '#services/cli/command-line.ts';
import { COMMANDS } from '#services/cli/commands.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly json: () => unknown;
}

/** Runs the command line within this process, in an environment of its own. */
export async function runDialhook(
  args: readonly string[],
  settings: {
    env?: NodeJS.ProcessEnv;
    now?: () => number;
    stop?: AbortSignal;
    onOut?: (line: string) => void;
  } = {},
): Promise<Ran> {
  const { env = {}, now = Date.now, stop = new AbortController().signal, onOut } = settings;
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommandLine(COMMANDS, args, {
    env,
    now,
    stop,
    out: (line) => {
      out.push(line);
      onOut?.(line);
    },
    err: (line) => void err.push(line),
    paint: (_, text) => text,
  });
  return { code, out: out.join('\n'), err: err.join('\n'), json: () => JSON.parse(out.join('')) as unknown };
}
