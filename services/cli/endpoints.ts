import { type EndpointRecord, Endpoints } from '#libs/queue/endpoints.ts';
import { type Command, EXIT, UsageError } from './command-line.ts';
import { QUEUE_SETTINGS, withQueue } from './queue.ts';
import { table } from './table.ts';
import { readEndpoint, time } from './values.ts';

const stateOf = ({ state, by }: EndpointRecord): string => (by === undefined ? state : `${state} (${by})`);

const shown = ({ since, probeFrom, ...record }: EndpointRecord) => ({
  ...record,
  since: time(since),
  ...(probeFrom === undefined ? {} : { tried_again: time(probeFrom) }),
});

const list: Command = {
  name: 'endpoints list',
  help: 'list those (scheme, host and port) that have failed since their last success, and those switched off; all others are on',
  options: { json: { help: 'print JSON' } },
  settings: QUEUE_SETTINGS,
  fails: 'there are none, or Redis cannot be reached',
  run: async ({ flags, arguments: rest }, terminal) => {
    if (rest.length > 0) throw new UsageError('list takes options only');
    const records = await withQueue(terminal, (redis, prefix) => new Endpoints(redis, prefix).list());
    if (flags.has('json')) terminal.out(JSON.stringify(records.map(shown)));
    else if (records.length === 0) terminal.err('no endpoint has failed since its last success');
    else {
      const rows = records.map((record) => [
        record.origin,
        stateOf(record),
        time(record.since),
        record.probeFrom === undefined ? '' : time(record.probeFrom),
        String(record.failures),
        record.error,
      ]);
      terminal.out(
        table(['ENDPOINT', 'STATE', 'SINCE', 'TRIED AGAIN', 'FAILURES', 'LAST ERROR'], rows, terminal.paint),
      );
    }
    return records.length > 0 ? EXIT.ok : EXIT.failed;
  },
};

const change = (
  name: string,
  help: string,
  apply: (endpoints: Endpoints, origin: string) => Promise<string>,
): Command => ({
  name: `endpoints ${name}`,
  arguments: 'URL',
  help,
  options: {},
  settings: QUEUE_SETTINGS,
  fails: 'Redis cannot be reached',
  run: async ({ arguments: [url, ...rest] }, terminal) => {
    if (url === undefined || rest.length > 0) throw new UsageError(`${name} takes one URL`);
    const origin = readEndpoint(url);
    terminal.out(await withQueue(terminal, (redis, prefix) => apply(new Endpoints(redis, prefix), origin)));
    return EXIT.ok;
  },
});

export const endpoints: readonly Command[] = [
  list,
  change('on', 'switch one on, and forget its failures', async (all, origin) =>
    (await all.switchOn(origin)) ? `switched on: ${origin}` : `was on, failures forgotten: ${origin}`,
  ),
  change(
    'off',
    'switch one off until it is switched on: what is for it becomes a dead letter',
    async (all, origin) => {
      await all.switchOff(origin);
      return `switched off: ${origin}`;
    },
  ),
];
