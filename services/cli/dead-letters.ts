import { jsonLine } from '#libs/json/json-line.ts';
import { publicUrl } from '#libs/net/url.ts';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { replay as replayFromQueue } from '#libs/queue/replay.ts';
import { type Command, EXIT, type Given, type Terminal, UsageError } from './command.ts';
import { QUEUE_SETTINGS, withQueue } from './queue.ts';
import { table } from './table.ts';
import { readCount, readEndpoint, readTime, time } from './values.ts';

const LIMIT = '100';

const FILTER = {
  call: { value: 'UUID', help: 'only of this call' },
  endpoint: { value: 'URL', help: 'only for the scheme, host and port of this URL' },
  since: {
    value: 'TIME',
    help: 'became dead letters at this time or later: 2026-01-31T12:00:00Z, or an age such as 90m, 36h, 5d',
  },
  until: { value: 'TIME', help: 'became dead letters before this time' },
};
const JSON_FLAG = { json: { help: 'print JSON' } };

function readFilter({ options }: Given, now: number): DeadLetterFilter {
  const { call, endpoint, since, until } = options;
  return {
    call,
    origin: endpoint === undefined ? undefined : readEndpoint(endpoint),
    since: since === undefined ? undefined : readTime(since, now),
    until: until === undefined ? undefined : readTime(until, now),
  };
}

const isEmpty = (filter: DeadLetterFilter): boolean =>
  Object.values(filter).every((one) => one === undefined);

/** The JSON form, without userinfo and query of the URL, which may hold secrets. */
const shown = ({ progress, trace, order: _, at: __, origin, time: diedAt, ...rest }: DeadLetter) => ({
  ...rest,
  endpoint: origin,
  url: publicUrl(progress.url),
  time: time(diedAt),
  notification: progress.notification,
  trace,
});

async function list(given: Given, terminal: Terminal): Promise<number> {
  if (given.arguments.length > 0) throw new UsageError('list takes options only');
  const filter = readFilter(given, terminal.now());
  const limit = readCount(given.options['limit'] ?? LIMIT);
  const found = await withQueue(terminal, (redis, prefix) =>
    new DeadLetters(redis, prefix).list(filter, limit),
  );
  if (given.flags.has('json')) terminal.out(jsonLine(found.map(shown)));
  else if (found.length === 0) terminal.err('no dead letters');
  else {
    const rows = found.map(({ id, time: at, origin, reason, attempts, error }) => [
      time(at),
      reason,
      String(attempts),
      origin,
      id,
      error,
    ]);
    terminal.out(
      table(['TIME (UTC)', 'REASON', 'ATTEMPTS', 'ENDPOINT', 'ID', 'LAST ERROR'], rows, terminal.paint),
    );
    if (found.length === limit) terminal.err(`only the newest ${limit}; use --limit for more`);
  }
  return found.length > 0 ? EXIT.ok : EXIT.failed;
}

async function show({ arguments: [id, ...rest], flags }: Given, terminal: Terminal): Promise<number> {
  if (id === undefined || rest.length > 0) throw new UsageError('show takes one ID');
  const [found] = await withQueue(terminal, (redis, prefix) => new DeadLetters(redis, prefix).byId([id]));
  if (!found) {
    terminal.err(`dead letter not found: ${id}`);
    return EXIT.failed;
  }
  terminal.out(flags.has('json') ? jsonLine(shown(found)) : JSON.stringify(shown(found), undefined, 2));
  return EXIT.ok;
}

async function replay(given: Given, terminal: Terminal): Promise<number> {
  const { arguments: ids, flags } = given;
  const filter = readFilter(given, terminal.now());
  const ways = [ids.length > 0, !isEmpty(filter), flags.has('all')].filter(Boolean);
  if (ways.length !== 1)
    throw new UsageError('give either IDs, or filters (--call, --endpoint, --since, --until), or --all');

  const { sent, skipped } = await withQueue(terminal, (redis, prefix) =>
    replayFromQueue(redis, prefix, ids.length > 0 ? ids : filter),
  );
  if (flags.has('json')) terminal.out(jsonLine({ replayed: sent, skipped: Object.fromEntries(skipped) }));
  else terminal.out(`replayed: ${sent}`);
  for (const [origin, count] of skipped)
    terminal.err(
      `not replayed: ${count}, because ${origin} is disabled; enable it with dialhook endpoints enable ${origin}`,
    );
  return sent > 0 ? EXIT.ok : EXIT.failed;
}

export const deadLetters: readonly Command[] = [
  {
    name: 'dead-letters list',
    help: 'list dead letters (notifications that will not be retried), newest first',
    options: {
      ...FILTER,
      limit: { value: 'N', help: `maximum number of dead letters (default ${LIMIT})` },
      ...JSON_FLAG,
    },
    settings: QUEUE_SETTINGS,
    fails: 'no dead letter found, or Redis cannot be reached',
    run: list,
  },
  {
    name: 'dead-letters show',
    arguments: 'ID',
    help: 'show one dead letter as JSON',
    options: JSON_FLAG,
    settings: QUEUE_SETTINGS,
    fails: 'dead letter not found, or Redis cannot be reached',
    run: show,
  },
  {
    name: 'dead-letters replay',
    arguments: '[ID...]',
    help: 'replay dead letters, in the order of each call and with the same webhook-id',
    options: { ...FILTER, all: { help: 'all dead letters' }, ...JSON_FLAG },
    settings: QUEUE_SETTINGS,
    fails: 'nothing was replayed, or Redis cannot be reached',
    run: replay,
  },
];
