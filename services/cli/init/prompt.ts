import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Prompt } from './answers.ts';

export interface Prompter extends Disposable {
  readonly prompt: Prompt;
}

/** Prompts on a terminal. Prompts go to standard error, so that standard output has only the result. */
export function terminalPrompter(stop: AbortSignal): Prompter {
  let isHidden = false;
  const output = new Writable({
    write: (chunk, _, done) => {
      if (!isHidden) process.stderr.write(chunk as Uint8Array);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  // Ctrl-C, Ctrl-D and SIGTERM end the question that waits; without this the promise of the answer never settles.
  const ended = new AbortController();
  lines.once('SIGINT', () => ended.abort()).once('close', () => ended.abort());
  const signal = AbortSignal.any([stop, ended.signal]);
  return {
    prompt: async (text, hidden) => {
      try {
        const answer = lines.question(text, { signal });
        isHidden = hidden;
        return (await answer).trim();
      } catch (cause) {
        throw new Error('interrupted: nothing was written', { cause });
      } finally {
        if (isHidden) process.stderr.write('\n');
        isHidden = false;
      }
    },
    [Symbol.dispose]: () => lines.close(),
  };
}
