import { CallList, CallSummary } from '#libs/contract/console.ts';
import { jsonLine } from '#libs/json/json-line.ts';
import { type Command, EXIT, type Given, UsageError } from '../command.ts';
import { table } from '../table.ts';
import { readCount, readTime, time } from '../values.ts';
import { CALL_HEADINGS, callCells, callRow } from './call-row.ts';
import { CONSOLE_SETTINGS, eventsOf, fromConsole } from './client.ts';

const LIMIT = '50';
const MAX_LIMIT = 500;

function queryOf({ options, flags, arguments: [text, ...rest] }: Given, now: number): URLSearchParams {
  if (rest.length > 0) throw new UsageError('calls takes at most one TEXT');
  if (flags.has('live') && flags.has('ended')) throw new UsageError('give either --live or --ended');
  const { number, node, result, since, until, limit = LIMIT } = options;
  const count = readCount(limit);
  if (count > MAX_LIMIT) throw new UsageError(`--limit must be at most ${MAX_LIMIT}`);
  const state = flags.has('live') ? 'live' : flags.has('ended') ? 'ended' : undefined;
  const given = {
    q: text,
    number,
    node,
    result,
    state,
    since: since === undefined ? undefined : time(readTime(since, now)),
    until: until === undefined ? undefined : time(readTime(until, now)),
    limit: String(count),
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  return query;
}

export const calls: Command = {
  name: 'calls',
  arguments: '[TEXT]',
  help: 'list live and recent calls, newest first; TEXT is part of a uuid, number, name or endpoint, or a node, result or cause',
  options: {
    live: { help: 'only live calls' },
    ended: { help: 'only ended calls' },
    number: { value: 'NUMBER', help: 'only calls from or to this number' },
    node: { value: 'NODE', help: 'only calls of this FreeSWITCH node' },
    result: { value: 'RESULT', help: 'only calls with this dialhook_result' },
    since: {
      value: 'TIME',
      help: 'started at this time or later: 2026-01-31T12:00:00Z, or an age such as 90m, 36h, 5d',
    },
    until: { value: 'TIME', help: 'started before this time' },
    limit: { value: 'N', help: `maximum number of calls (default ${LIMIT})` },
    json: { help: 'print JSON' },
  },
  settings: CONSOLE_SETTINGS,
  fails: 'no call found, or the console refused the request or cannot be reached',
  run: async (given, terminal) => {
    const list = await fromConsole(terminal, `/api/calls?${queryOf(given, terminal.now())}`, CallList);
    if (given.flags.has('json')) terminal.out(jsonLine(list.calls));
    else if (list.calls.length === 0) terminal.err('no calls found');
    else {
      terminal.out(
        table(
          CALL_HEADINGS,
          list.calls.map((call) => callCells(call)),
          terminal.paint,
        ),
      );
      terminal.err(
        `${list.live} live, ${list.kept} kept${list.next === undefined ? '' : '; --limit shows more'}`,
      );
    }
    return list.calls.length > 0 ? EXIT.ok : EXIT.failed;
  },
};

export const tail: Command = {
  name: 'tail',
  help: 'follow calls until Ctrl-C: one line for each change of a call',
  options: { json: { help: 'print one line of JSON for each change' } },
  settings: CONSOLE_SETTINGS,
  fails: 'the console refused the request or cannot be reached',
  run: async ({ flags, arguments: rest }, terminal) => {
    if (rest.length > 0) throw new UsageError('tail takes options only');
    try {
      // The console ends each stream after some minutes: reconnect.
      while (!terminal.stop.aborted)
        for await (const event of eventsOf(terminal, '/api/events', 'calls'))
          for (const call of CallSummary.array().parse(event))
            if (flags.has('json')) terminal.out(jsonLine(call));
            else terminal.out(callRow(call, terminal.paint));
    } catch (error) {
      if (!terminal.stop.aborted) throw error;
    }
    return EXIT.ok;
  },
};
