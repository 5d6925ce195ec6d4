import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';

const ROOT = join(import.meta.dirname, '../recordings');

/** Names of the calls recorded from a real FreeSWITCH, one folder each. */
export const RECORDINGS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted();

export type Stream =
  | 'outbound.from-freeswitch'
  | 'outbound.from-agent'
  | 'inbound.from-freeswitch'
  | 'inbound.from-agent';

export const recorded = (name: string, stream: Stream): Buffer => readFileSync(join(ROOT, name, stream));

/** The SIP messages of the caller, one line for each message or Reason header. */
export const recordedSip = (name: string): string => readFileSync(join(ROOT, name, 'sip.txt'), 'utf8');

/** FreeSWITCH's bytes, split into frames. */
export function framesOf(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let rest = stream; rest.length > 0; ) {
    const endOfHeaders = rest.indexOf('\n\n') + 2;
    const length = Number(/Content-Length: (\d+)/.exec(rest.toString('latin1', 0, endOfHeaders))?.[1] ?? 0);
    frames.push(rest.subarray(0, endOfHeaders + length));
    rest = rest.subarray(endOfHeaders + length);
  }
  return frames;
}

export const recordedEvents = (name: string): FreeSwitchEvent[] =>
  framesOf(recorded(name, 'inbound.from-freeswitch'))
    .filter((frame) => frame.includes('text/event-json'))
    .map((frame) => JSON.parse(frame.toString('utf8', frame.indexOf('\n\n') + 2)));

/** The commands that the agent sent. */
export const recordedCommands = (name: string, stream: 'outbound.from-agent' | 'inbound.from-agent') =>
  recorded(name, stream).toString('utf8').trimEnd().split('\n\n');

/** FreeSWITCH's replies to a recorded login, for an agent that sets `filters` filters, and the events after it. */
export function loginOf(name: string, filters: number) {
  const [
    authRequest = Buffer.alloc(0),
    loggedIn = authRequest,
    subscribed = authRequest,
    filtered = authRequest,
    ...events
  ] = framesOf(recorded(name, 'inbound.from-freeswitch'));
  const answers = [loggedIn, subscribed, ...Array.from({ length: filters }, () => filtered)];
  return { authRequest, answers, events };
}
