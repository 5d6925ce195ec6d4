import { NodeList } from '#libs/contract/console.ts';
import { jsonLine } from '#libs/json/json-line.ts';
import { type Command, EXIT, UsageError } from '../command.ts';
import { type Cell, table } from '../table.ts';
import { CONSOLE_SETTINGS, fromConsole } from './client.ts';
import { span } from './words.ts';

const MEBIBYTE = 1024 * 1024;

type Instance = NodeList['services'][number];

const figures = ({ figures: all }: Instance): string =>
  Object.entries(all)
    .map(([name, value]) =>
      name.endsWith('_bytes')
        ? `${name.slice(0, -'_bytes'.length)} ${Math.round(value / MEBIBYTE)} MiB`
        : `${name} ${value}`,
    )
    .join(', ');

const failedChecks = ({ checks }: Instance): string =>
  Object.entries(checks)
    .filter(([, state]) => state !== 'ok')
    .map(([name, state]) => `${name}: ${state}`)
    .join('; ');

function rowOf(one: Instance, now: number): Cell[] {
  const failed = failedChecks(one);
  return [
    one.instance,
    one.ready ? ['green', 'ready'] : ['red', 'not ready'],
    failed === '' ? ['green', 'ok'] : ['red', failed],
    one.version,
    span(now - Date.parse(one.started)),
    figures(one),
  ];
}

/** A process can be ready although a check has failed: an agent without an event socket still decides calls. */
const works = (one: Instance): boolean => one.ready && failedChecks(one) === '';

export const nodes: Command = {
  name: 'nodes',
  help: 'list FreeSWITCH nodes with their agents, and the other Dialhook processes, with the checks of /readyz that have failed',
  options: { json: { help: 'print JSON' } },
  settings: CONSOLE_SETTINGS,
  fails:
    'a process is not ready or has a failed check, a node has no agent, or the console refused the request or cannot be reached',
  run: async ({ flags, arguments: rest }, terminal) => {
    if (rest.length > 0) throw new UsageError('nodes takes options only');
    const { nodes: all, services } = await fromConsole(terminal, '/api/nodes', NodeList);
    const now = terminal.now();
    if (flags.has('json')) terminal.out(jsonLine({ nodes: all, services }));
    else {
      const none: Cell[] = [['red', 'no agent'], '', '', '', '', ''];
      const rows = all.flatMap(({ node, live, agents }) =>
        (agents.length > 0 ? agents.map((agent) => rowOf(agent, now)) : [none]).map((row): Cell[] => [
          node,
          String(live),
          ...row,
        ]),
      );
      const others = services.map((one): Cell[] => ['', '', ...rowOf(one, now)]);
      terminal.out(
        table(
          ['NODE', 'CALLS', 'PROCESS', 'STATE', 'CHECKS', 'VERSION', 'UP', 'FIGURES'],
          [...rows, ...others],
          terminal.paint,
        ),
      );
    }
    const good = [...all.flatMap(({ agents }) => agents), ...services].every(works);
    return good && all.every(({ agents }) => agents.length > 0) ? EXIT.ok : EXIT.failed;
  },
};
