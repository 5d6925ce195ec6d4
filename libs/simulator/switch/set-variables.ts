import type { Channel } from './channel.ts';
import { expandIn, type Node } from './node.ts';
import { separate } from './switch-strings.ts';

/** The application `set`. It expands its value again, even if app_disable_expand_variables is set. */
export function setVariable(node: Node, channel: Channel, data: string): void {
  const separator = data.includes('=') ? data.indexOf('=') : data.indexOf(',');
  const name = separator < 0 ? data : data.slice(0, separator);
  const value = separator < 0 ? '' : data.slice(separator + 1);
  channel.set(name, expandIn(node, channel, value));
}

/** The application `multiset`. Settings are separated by blanks, or by the character after `^^`. */
export function setVariables(node: Node, channel: Channel, data: string): void {
  for (const setting of separate(data, ' ')) setVariable(node, channel, setting);
}
