import type { Channel } from './channel.ts';
import type { Core } from './core.ts';
import { expand } from './expand.ts';
import type { Registrations } from './registrations.ts';

/** A user who may log in to the event socket with `userauth`. */
export interface EventSocketUser {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** esl-allowed-events; all when absent. */
  readonly allowedEvents?: readonly string[];
  /** esl-allowed-api; all when absent. */
  readonly allowedApi?: readonly string[];
}

/** What the calls and connections of one simulated FreeSWITCH share. */
export interface Node {
  readonly core: Core;
  readonly gateways: { has(name: string): boolean };
  readonly profiles: ReadonlySet<string>;
  readonly registrations: Registrations;
  readonly password: string;
  readonly users: readonly EventSocketUser[];
  /** Every API command that an expansion or a hook ran, except sofia_contact: `NAME(ARGUMENTS)`. */
  readonly ranApis: string[];
  /** The dialplan that a transferred call is led to: an extension's applications, `NAME DATA` each. */
  readonly extension: (destination: string, context: string) => readonly string[] | undefined;
}

export const expandIn = (node: Node, channel: Channel, text: string): string =>
  expand(text, {
    variable: (name, index) => (index === undefined ? channel.get(name) : channel.variables.at(name, index)),
    api: (name, args) => {
      if (name === 'sofia_contact') return node.registrations.sofiaContact(args);
      node.ranApis.push(`${name}(${args})`);
      return '';
    },
  });

export type HookMoment = 'originate' | 'ring' | 'pre_answer' | 'media' | 'answer';

/** Variables can make a channel run API commands and applications by themselves; that they did is written down. */
export function runHooks(node: Node, channel: Channel, ...moments: HookMoment[]): void {
  const prefixes = moments.flatMap((moment) => [`api_on_${moment}`, `execute_on_${moment}`]);
  for (const [name, value] of channel.variables) {
    if (typeof value === 'string' && prefixes.some((prefix) => name.startsWith(prefix)))
      ranHook(node, channel, value);
  }
}

export function runHangupHooks(node: Node, channel: Channel): void {
  for (const name of ['api_hangup_hook', 'api_reporting_hook']) {
    const hook = channel.variables.get(name);
    if (hook !== undefined) ranHook(node, channel, hook);
  }
}

function ranHook(node: Node, channel: Channel, hook: string): void {
  const [, name = '', args = ''] = /^([^ :]*)(?: |::)?(.*)$/s.exec(expandIn(node, channel, hook)) ?? [];
  node.ranApis.push(`${name}(${args})`);
}
