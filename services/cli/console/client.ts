import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { secret, url } from '#libs/config/settings.ts';
import { Problem } from '#libs/contract/console.ts';
import type { Terminal } from '../command.ts';

const shape = {
  DIALHOOK_URL: url('http:', 'https:').default('http://127.0.0.1:8088'),
  DIALHOOK_TOKEN: secret(),
};
const Settings = z.object(shape);
export const CONSOLE_SETTINGS = `DIALHOOK_URL (URL of the console, default ${Settings.shape.DIALHOOK_URL.parse(undefined)}), DIALHOOK_TOKEN (a token of the console)`;

/** The console refused the request or cannot be reached. */
class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
}

/** The message of fetch is only `fetch failed`; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}

async function request(terminal: Terminal, path: string): Promise<Response> {
  const { DIALHOOK_URL: base, DIALHOOK_TOKEN: token } = readConfig(Settings, terminal.env);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(new URL(path, base), { headers, signal: terminal.stop }).catch(
    (error: unknown) => {
      throw terminal.stop.aborted
        ? error
        : new ConsoleError(`no console at DIALHOOK_URL ${new URL(base).origin}: ${reasonOf(error)}`);
    },
  );
  if (answer.ok) return answer;
  const problem = Problem.safeParse(await answer.json().catch(() => undefined));
  throw new ConsoleError(
    `the console answered ${answer.status}${problem.success ? `: ${problem.data.error}` : ''}`,
  );
}

/** GET of a path of the console's API. @throws {ConsoleError} with a message for the user. */
export async function fromConsole<S extends z.ZodType>(
  terminal: Terminal,
  path: string,
  schema: S,
): Promise<z.output<S>> {
  const answer = await request(terminal, path);
  const parsed = schema.safeParse(await answer.json().catch(() => undefined));
  if (!parsed.success)
    throw new ConsoleError('the answer is not that of a console, or the console has another version');
  return parsed.data;
}

/** Server-sent events of one name, until the console ends the stream. */
export async function* eventsOf(terminal: Terminal, path: string, name: string): AsyncGenerator<unknown> {
  const { body } = await request(terminal, path);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, data] = new RegExp(`^event: ${name}\ndata: (.*)$`).exec(event) ?? [];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}
