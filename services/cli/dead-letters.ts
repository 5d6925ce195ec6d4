import { publicUrl } from '#libs/http/wire-request.ts';
import { type DeadLetter, DeadLetters, type LetterFilter } from '#libs/queue/dead-letters.ts';
import { replay as replayLetters } from '#libs/queue/replay.ts';
import { type Command, EXIT, type Given, type Terminal, UsageError } from './command-line.ts';
import { QUEUE_SETTINGS, withQueue } from './queue.ts';
import { table } from './table.ts';
import { readCount, readEndpoint, readTime, time } from './values.ts';

const LIMIT = '100';

const FILTER = {
  call: { value: 'UUID', help: 'those of this call' },
  endpoint: { value: 'URL', help: 'those to the endpoint (scheme, host and port) of this URL' },
  since: { value: 'TIME', help: 'given up at this time or later: 2026-01-31T12:00:00Z, or 90m, 36h, 5d ago' },
  until: { value: 'TIME', help: 'given up before this time' },
};
const JSON_FLAG = { json: { help: 'print JSON' } };

function readFilter({ options }: Given, now: number): LetterFilter {
  const { call, endpoint, since, until } = options;
  return {
    call,
    origin: endpoint === undefined ? undefined : readEndpoint(endpoint),
    since: since === undefined ? undefined : readTime(since, now),
    until: until === undefined ? undefined : readTime(until, now),
  };
}

const isEmpty = (filter: LetterFilter): boolean => Object.values(filter).every((one) => one === undefined);

/** A letter as it is shown: without the password that its URL may hold. */
const shown = ({ progress, trace, order: _, at: __, origin, time: givenUp, ...letter }: DeadLetter) => ({
  ...letter,
  endpoint: origin,
  url: publicUrl(progress.url),
  time: time(givenUp),
  notification: progress.notification,
  trace,
});

async function list(given: Given, terminal: Terminal): Promise<number> {
  if (given.arguments.length > 0) throw new UsageError('list takes options only');
  const filter = readFilter(given, terminal.now());
  const limit = readCount(given.options['limit'] ?? LIMIT);
  const letters = await withQueue(terminal, (redis, prefix) =>
    new DeadLetters(redis, prefix).list(filter, limit),
  );
  if (given.flags.has('json')) terminal.out(JSON.stringify(letters.map(shown)));
  else if (letters.length === 0) terminal.err('no dead letters');
  else {
    const rows = letters.map(({ id, time: at, origin, reason, attempts, error }) => [
      time(at),
      reason,
      String(attempts),
      origin,
      id,
      error,
    ]);
    terminal.out(
      table(['GIVEN UP', 'REASON', 'ATTEMPTS', 'ENDPOINT', 'ID', 'LAST ERROR'], rows, terminal.paint),
    );
    if (letters.length === limit) terminal.err(`the newest ${limit}; --limit shows more`);
  }
  return letters.length > 0 ? EXIT.ok : EXIT.failed;
}

async function show({ arguments: [id, ...rest], flags }: Given, terminal: Terminal): Promise<number> {
  if (id === undefined || rest.length > 0) throw new UsageError('show takes one ID');
  const [letter] = await withQueue(terminal, (redis, prefix) => new DeadLetters(redis, prefix).byId([id]));
  if (!letter) {
    terminal.err(`no dead letter ${id}`);
    return EXIT.failed;
  }
  terminal.out(JSON.stringify(shown(letter), undefined, flags.has('json') ? 0 : 2));
  return EXIT.ok;
}

async function replay(given: Given, terminal: Terminal): Promise<number> {
  const { arguments: ids, flags } = given;
  const filter = readFilter(given, terminal.now());
  const ways = [ids.length > 0, !isEmpty(filter), flags.has('all')].filter(Boolean);
  if (ways.length !== 1)
    throw new UsageError('say which: ID..., or --call, --endpoint, --since, --until, or --all');

  const { sent, skipped } = await withQueue(terminal, (redis, prefix) =>
    replayLetters(redis, prefix, ids.length > 0 ? ids : filter),
  );
  if (flags.has('json'))
    terminal.out(JSON.stringify({ replayed: sent, skipped: Object.fromEntries(skipped) }));
  else terminal.out(`sent again: ${sent}`);
  for (const [origin, count] of skipped)
    terminal.err(`not sent again: ${count}, as ${origin} is switched off; dialhook endpoints on ${origin}`);
  return sent > 0 ? EXIT.ok : EXIT.failed;
}

export const deadLetters: readonly Command[] = [
  {
    name: 'dead-letters list',
    help: 'list the notifications that were given up, the newest first',
    options: {
      ...FILTER,
      limit: { value: 'N', help: `at most so many, ${LIMIT} without it` },
      ...JSON_FLAG,
    },
    settings: QUEUE_SETTINGS,
    fails: 'there are none, or Redis cannot be reached',
    run: list,
  },
  {
    name: 'dead-letters show',
    arguments: 'ID',
    help: 'show all that is known of one',
    options: JSON_FLAG,
    settings: QUEUE_SETTINGS,
    fails: 'there is no such, or Redis cannot be reached',
    run: show,
  },
  {
    name: 'dead-letters replay',
    arguments: '[ID...]',
    help: "send them again, in each call's order and with the same webhook-id",
    options: { ...FILTER, all: { help: 'all there are' }, ...JSON_FLAG },
    settings: QUEUE_SETTINGS,
    fails: 'nothing was sent, or Redis cannot be reached',
    run: replay,
  },
];
