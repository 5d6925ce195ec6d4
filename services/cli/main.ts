#!/usr/bin/env node
import { styleText } from 'node:util';
import { runCommandLine } from './command-line.ts';
import { COMMANDS } from './commands.ts';

// `dialhook ... | head` closes the pipe early, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());

process.exitCode = await runCommandLine(COMMANDS, process.argv.slice(2), {
  env: process.env,
  now: Date.now,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  paint: (format, text) => styleText(format, text, { stream: process.stdout }),
  stop: stop.signal,
});
