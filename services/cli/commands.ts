import { check } from './check.ts';
import type { Command } from './command-line.ts';
import { deadLetters } from './dead-letters.ts';
import { endpoints } from './endpoints.ts';
import { schema } from './schema.ts';
import { simulate } from './simulate.ts';

/** All of them, in the order in which help tells of them. */
export const COMMANDS: readonly Command[] = [check, simulate, schema, ...deadLetters, ...endpoints];
