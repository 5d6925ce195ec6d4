import type { Channel } from './channel.ts';
import type { Core } from './core.ts';
import { expand } from './expand.ts';
import { regexCommand } from './regex.ts';
import type { Registrations } from './registrations.ts';

/** A directory user who may log in to the event socket with `userauth`. */
export interface EventSocketUser {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** esl-allowed-events; all when absent. */
  readonly allowedEvents?: readonly string[];
  /** esl-allowed-api; all when absent. */
  readonly allowedApi?: readonly string[];
}

/** The configuration of one simulated FreeSWITCH, and its running core. */
export interface Node {
  readonly core: Core;
  readonly gateways: { has(name: string): boolean };
  readonly profiles: ReadonlySet<string>;
  readonly registrations: Registrations;
  readonly password: string;
  readonly users: readonly EventSocketUser[];
  /** Every API command that an expansion or a hook ran, except sofia_contact and regex: `NAME(ARGUMENTS)`. */
  readonly ranApis: string[];
  /** The extension of a context other than `default`: applications, `NAME DATA` each. undefined when none matches. */
  readonly extension: (destination: string, context: string) => readonly string[] | undefined;
}

/** Expands `${...}` in a text with the channel's variables. */
export const expandIn = (node: Node, channel: Channel, text: string): string =>
  expand(text, {
    variable: (name, index) => (index === undefined ? channel.get(name) : channel.variables.at(name, index)),
    api: (name, args) => {
      if (name === 'sofia_contact') return node.registrations.sofiaContact(args);
      if (name === 'regex') return regexCommand(args);
      node.ranApis.push(`${name}(${args})`);
      return '';
    },
  });
