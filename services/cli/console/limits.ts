import { LimitList } from '#libs/contract/console.ts';
import { jsonLine } from '#libs/json/json-line.ts';
import { type Command, EXIT, UsageError } from '../command.ts';
import { type Cell, table } from '../table.ts';
import { CONSOLE_SETTINGS, fromConsole } from './client.ts';
import { span } from './words.ts';

const ofMost = (value: number, most: number | undefined): Cell => {
  const text = most === undefined ? String(value) : `${value} of ${most}`;
  return most !== undefined && value >= most ? ['red', text] : text;
};

export const limits: Command = {
  name: 'limits',
  help: 'list limits on calls at once and per second with the calls that count, and gateways that have failed last',
  options: { json: { help: 'print JSON' } },
  settings: CONSOLE_SETTINGS,
  fails: 'the console refused the request or cannot be reached',
  run: async ({ flags, arguments: rest }, terminal) => {
    if (rest.length > 0) throw new UsageError('limits takes options only');
    const all = await fromConsole(terminal, '/api/limits', LimitList);
    if (flags.has('json')) {
      terminal.out(jsonLine(all));
      return EXIT.ok;
    }
    const rows = all.limits.map(({ limit, used, max, recent, rate, refused }): Cell[] => [
      limit,
      ofMost(used, max),
      ofMost(recent, rate),
      String(refused),
    ]);
    if (rows.length === 0) terminal.err('no agent counts a limit');
    else terminal.out(table(['LIMIT', 'AT ONCE', 'LAST SECOND', 'REFUSED'], rows, terminal.paint));
    if (all.gateways.length === 0) return EXIT.ok;
    const gateways = all.gateways.map(({ gateway, node, failures, rests_until }): Cell[] => [
      gateway,
      node,
      String(failures),
      rests_until === undefined ? '' : ['red', span(Math.max(0, Date.parse(rests_until) - terminal.now()))],
    ]);
    terminal.out(table(['GATEWAY', 'NODE', 'FAILURES', 'RESTS FOR'], gateways, terminal.paint));
    return EXIT.ok;
  },
};
