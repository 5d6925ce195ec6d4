import type { Channel } from './channel.ts';
import { expandIn, type Node } from './node.ts';
import { startRecording, stopRecording } from './recording.ts';
import { cancelScheduledHangup, scheduleHangup } from './scheduled-hangup.ts';
import { setVariables } from './set-variables.ts';

export type HookMoment =
  | 'originate'
  | 'ring'
  | 'pre_answer'
  | 'media'
  | 'answer'
  | 'blind_transfer'
  | 'pre_bridge';

/** The application `event Event-Name=CUSTOM,Event-Subclass=SUBCLASS`. */
function fireCustomEvent(_: Node, channel: Channel, data: string): void {
  const [, subclass = ''] = /Event-Subclass=([^,]*)/.exec(data) ?? [];
  channel.fire('CUSTOM', [['Event-Subclass', subclass]]);
}

function unsetVariables(_: Node, channel: Channel, data: string): void {
  for (const name of data.split(' ')) channel.set(name, undefined);
}

/** The applications that Dialhook's own hooks run. */
const RUN: ReadonlyMap<string, (node: Node, channel: Channel, data: string) => void> = new Map([
  ['multiset', setVariables],
  ['sched_hangup', (_: Node, channel: Channel, data: string) => scheduleHangup(channel, data)],
  // There is no media to hear.
  ['sched_broadcast', () => {}],
  ['record_session', (_: Node, channel: Channel) => startRecording(channel)],
  ['stop_record_session', (_: Node, channel: Channel) => stopRecording(channel)],
  ['event', fireCustomEvent],
  ['multiunset', unsetVariables],
  ['sched_cancel', (_: Node, channel: Channel) => cancelScheduledHangup(channel)],
]);

/** Runs the hooks in api_on_* and execute_on_* variables whose applications are in RUN; records all others. */
export function runHooks(node: Node, channel: Channel, ...moments: HookMoment[]): void {
  const prefixes = moments.flatMap((moment) => [`api_on_${moment}`, `execute_on_${moment}`]);
  for (const [name, value] of [...channel.variables]) {
    if (typeof value === 'string' && prefixes.some((prefix) => name.startsWith(prefix)))
      runHook(node, channel, value);
  }
}

export function runHangupHooks(node: Node, channel: Channel): void {
  for (const name of ['api_hangup_hook', 'api_reporting_hook']) {
    const hook = channel.variables.get(name);
    if (hook !== undefined) runHook(node, channel, hook);
  }
}

function runHook(node: Node, channel: Channel, hook: string): void {
  const [, name = '', args = ''] = /^([^ :]*)(?: |::)?(.*)$/s.exec(expandIn(node, channel, hook)) ?? [];
  const application = RUN.get(name);
  if (application === undefined) node.ranApis.push(`${name}(${args})`);
  else application(node, channel, args);
}
