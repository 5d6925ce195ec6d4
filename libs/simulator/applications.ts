import type { ApplicationFunction, ApplicationTable, CallThread } from './dialplan/call-thread.ts';
import { socketApplication } from './event-socket/socket-application.ts';
import { bridgeApplication } from './originate/bridge.ts';
import { parseCause } from './switch/hangup-cause.ts';
import { expandIn } from './switch/node.ts';
import { integer, separate } from './switch/switch-strings.ts';

/** `set` expands its value again, even if app_disable_expand_variables is set. */
function set(thread: CallThread, data: string): void {
  const separator = data.includes('=') ? data.indexOf('=') : data.indexOf(',');
  const name = separator < 0 ? data : data.slice(0, separator);
  const value = separator < 0 ? '' : data.slice(separator + 1);
  const { channel } = thread.caller;
  channel.set(name, expandIn(thread.node, channel, value));
}

/** Settings are separated by blanks, or by the character after `^^`. */
function multiset(thread: CallThread, data: string): void {
  for (const setting of separate(data, ' ')) set(thread, setting);
}

function exportVariable(thread: CallThread, data: string): void {
  const equals = data.indexOf('=');
  const name = equals < 0 ? data : data.slice(0, equals);
  const value = equals < 0 ? '' : data.slice(equals + 1);
  const { channel } = thread.caller;
  channel.set(name, value);
  if (name === '' || value === '') return;
  const exports = channel.variables.get('export_vars');
  channel.set('export_vars', exports === undefined ? name : `${exports},${name}`);
}

function sleep(thread: CallThread, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = thread.timers.after(milliseconds, () => {
      removeBreak();
      resolve();
    });
    const removeBreak = thread.caller.channel.onBreak(() => {
      cancel();
      resolve();
    });
  });
}

const untilBreak = (thread: CallThread): Promise<void> =>
  new Promise((resolve) => {
    thread.caller.channel.onBreak(resolve);
  });

/** The simulated applications. Any other ends the call, as an unknown application does in FreeSWITCH. */
export const APPLICATIONS: ApplicationTable = new Map<string, ApplicationFunction>([
  ['set', set],
  ['multiset', multiset],
  ['unset', (thread, data) => thread.caller.channel.set(data, undefined)],
  ['export', exportVariable],
  ['bridge', bridgeApplication],
  ['socket', socketApplication],
  ['hangup', (thread, data) => thread.caller.channel.hangup(parseCause(data))],
  ['respond', (thread, data) => thread.caller.respond(integer(data) || 488)],
  ['answer', (thread) => thread.caller.answer()],
  ['pre_answer', (thread) => thread.caller.preAnswer()],
  ['ring_ready', (thread) => thread.caller.ring()],
  ['sleep', (thread, data) => sleep(thread, integer(data))],
  ['park', untilBreak],
  ['playback', (thread) => thread.caller.preAnswer()],
  ['log', () => {}],
  ['info', () => {}],
]);
