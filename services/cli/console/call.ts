import { CallDetail, CallList } from '#libs/contract/console.ts';
import { jsonLine } from '#libs/json/json-line.ts';
import { type Command, EXIT, type Terminal, UsageError } from '../command.ts';
import { CONSOLE_SETTINGS, fromConsole } from './client.ts';
import { reportCall } from './report.ts';

const WHOLE = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Completes a uuid prefix. */
async function uuidOf(start: string, terminal: Terminal): Promise<string> {
  if (WHOLE.test(start)) return start;
  const query = new URLSearchParams({ uuid: start, limit: '2' });
  const { calls } = await fromConsole(terminal, `/api/calls?${query}`, CallList);
  const [one, another] = calls;
  if (calls.some(({ uuid }) => uuid === start)) return start;
  if (one === undefined) throw new Error(`no call with a uuid that starts with ${start}`);
  if (another !== undefined)
    throw new Error(`several calls with a uuid that starts with ${start}: give more characters`);
  return one.uuid;
}

export const call: Command = {
  name: 'call',
  arguments: 'UUID',
  help: 'show the timeline and the decisions of a call; UUID may be a prefix',
  options: { json: { help: 'print JSON' } },
  settings: CONSOLE_SETTINGS,
  fails: 'call not found, or the console refused the request or cannot be reached',
  run: async ({ flags, arguments: [start, ...rest] }, terminal) => {
    if (start === undefined || rest.length > 0) throw new UsageError('call takes one UUID');
    const uuid = await uuidOf(start, terminal);
    const detail = await fromConsole(terminal, `/api/calls/${encodeURIComponent(uuid)}`, CallDetail);
    if (flags.has('json')) terminal.out(jsonLine(detail));
    else reportCall(detail, terminal);
    return EXIT.ok;
  },
};
