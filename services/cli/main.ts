#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { deadLetters } from './dead-letters.ts';
import { endpoints } from './endpoints.ts';

// `dialhook ... | head` closes the pipe early: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await runCommandLine([deadLetters, endpoints], process.argv.slice(2), {
  env: process.env,
  now: Date.now,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
