import { check } from './check.ts';
import type { Command } from './command.ts';
import { call } from './console/call.ts';
import { calls, tail } from './console/calls.ts';
import { limits } from './console/limits.ts';
import { nodes } from './console/nodes.ts';
import { deadLetters } from './dead-letters.ts';
import { doctor } from './doctor.ts';
import { endpoints } from './endpoints.ts';
import { init } from './init.ts';
import { schema } from './schema.ts';
import { simulate } from './simulate.ts';

/** All commands, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  calls,
  call,
  tail,
  nodes,
  limits,
  ...deadLetters,
  ...endpoints,
  init,
  check,
  doctor,
  simulate,
  schema,
];
