import type { ApplicationFunction, ApplicationTable, CallThread } from './dialplan/call-thread.ts';
import { readDigits } from './dialplan/read-digits.ts';
import { soundMs } from './dialplan/sound.ts';
import { socketApplication } from './event-socket/socket-application.ts';
import { bridgeApplication } from './originate/bridge.ts';
import { parseCause } from './switch/hangup-cause.ts';
import { setVariable, setVariables } from './switch/set-variables.ts';
import { integer } from './switch/switch-strings.ts';
import { interceptApplication } from './transfer/intercept.ts';

function exportVariable(thread: CallThread, data: string): void {
  const equals = data.indexOf('=');
  const name = equals < 0 ? data : data.slice(0, equals);
  const value = equals < 0 ? '' : data.slice(equals + 1);
  const { channel } = thread.leg;
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
    const removeBreak = thread.leg.channel.onBreak(() => {
      cancel();
      resolve();
    });
  });
}

function play(thread: CallThread, data: string): Promise<void> {
  thread.leg.preAnswer();
  return sleep(thread, soundMs(data));
}

const untilBreak = (thread: CallThread): Promise<void> =>
  new Promise((resolve) => {
    thread.leg.channel.onBreak(resolve);
  });

/** The simulated applications. Any other ends the call, as an unknown application does in FreeSWITCH. */
export const APPLICATIONS: ApplicationTable = new Map<string, ApplicationFunction>([
  ['set', (thread, data) => setVariable(thread.node, thread.leg.channel, data)],
  ['multiset', (thread, data) => setVariables(thread.node, thread.leg.channel, data)],
  ['unset', (thread, data) => thread.leg.channel.set(data, undefined)],
  ['export', exportVariable],
  ['bridge', bridgeApplication],
  ['intercept', interceptApplication],
  ['socket', socketApplication],
  ['hangup', (thread, data) => thread.leg.channel.hangup(parseCause(data))],
  ['respond', (thread, data) => thread.leg.respond(integer(data) || 488)],
  ['answer', (thread) => thread.leg.answer()],
  ['pre_answer', (thread) => thread.leg.preAnswer()],
  ['ring_ready', (thread) => thread.leg.ring()],
  ['sleep', (thread, data) => sleep(thread, integer(data))],
  ['park', untilBreak],
  ['playback', play],
  ['read', readDigits],
  ['flush_dtmf', (thread) => thread.leg.channel.dtmf.flush()],
  ['log', () => {}],
  ['info', () => {}],
]);
