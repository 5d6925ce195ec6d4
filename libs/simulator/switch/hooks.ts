import type { Channel } from './channel.ts';
import { expandIn, type Node } from './node.ts';

export type HookMoment = 'originate' | 'ring' | 'pre_answer' | 'media' | 'answer';

/** Records the API commands and applications that api_on_* and execute_on_* variables would run; it runs none. */
export function runHooks(node: Node, channel: Channel, ...moments: HookMoment[]): void {
  const prefixes = moments.flatMap((moment) => [`api_on_${moment}`, `execute_on_${moment}`]);
  for (const [name, value] of channel.variables) {
    if (typeof value === 'string' && prefixes.some((prefix) => name.startsWith(prefix)))
      recordHook(node, channel, value);
  }
}

export function runHangupHooks(node: Node, channel: Channel): void {
  for (const name of ['api_hangup_hook', 'api_reporting_hook']) {
    const hook = channel.variables.get(name);
    if (hook !== undefined) recordHook(node, channel, hook);
  }
}

function recordHook(node: Node, channel: Channel, hook: string): void {
  const [, name = '', args = ''] = /^([^ :]*)(?: |::)?(.*)$/s.exec(expandIn(node, channel, hook)) ?? [];
  node.ranApis.push(`${name}(${args})`);
}
