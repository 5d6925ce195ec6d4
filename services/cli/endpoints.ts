import { jsonLine } from '#libs/json/json-line.ts';
import { type EndpointRecord, EndpointState } from '#libs/queue/endpoint-state.ts';
import { type Command, EXIT, UsageError } from './command.ts';
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
  help: 'list endpoints (scheme, host and port) that failed since their last success or are disabled; all others work',
  options: { json: { help: 'print JSON' } },
  settings: QUEUE_SETTINGS,
  fails: 'the list is empty, or Redis cannot be reached',
  run: async ({ flags, arguments: rest }, terminal) => {
    if (rest.length > 0) throw new UsageError('list takes options only');
    const records = await withQueue(terminal, (redis, prefix) => new EndpointState(redis, prefix).list());
    if (flags.has('json')) terminal.out(jsonLine(records.map(shown)));
    else if (records.length === 0)
      terminal.err('no endpoint failed since its last success, none is disabled');
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
        table(['ENDPOINT', 'STATE', 'SINCE', 'NEXT PROBE', 'FAILURES', 'LAST ERROR'], rows, terminal.paint),
      );
    }
    return records.length > 0 ? EXIT.ok : EXIT.failed;
  },
};

const change = (
  name: string,
  help: string,
  apply: (endpoints: EndpointState, origin: string) => Promise<string>,
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
    terminal.out(
      await withQueue(terminal, (redis, prefix) => apply(new EndpointState(redis, prefix), origin)),
    );
    return EXIT.ok;
  },
});

export const endpoints: readonly Command[] = [
  list,
  change('enable', 'enable notifications to an endpoint and reset its failures', async (all, origin) =>
    (await all.enable(origin)) ? `enabled: ${origin}` : `was enabled, failures reset: ${origin}`,
  ),
  change(
    'disable',
    'disable an endpoint until it is enabled: its notifications become dead letters',
    async (all, origin) => {
      await all.disable(origin);
      return `disabled: ${origin}`;
    },
  ),
];
