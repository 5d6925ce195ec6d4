import { parseArgs } from 'node:util';
import { costOfCalls } from './cost.ts';
import { decisions, hops } from './decision.ts';
import { events } from './events.ts';
import { type Figure, reached, tableHead, tableLine } from './figure.ts';
import { liveCalls } from './live-calls.ts';
import { notify } from './notify.ts';
import type { Options } from './options.ts';
import { raisePriority } from './priority.ts';
import { readers } from './readers.ts';
import { scaling } from './scaling.ts';
import { startUp } from './startup.ts';

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Figure[]>>> = {
  decision: decisions,
  hops,
  notify,
  events,
  cost: costOfCalls,
  live: liveCalls,
  start: startUp,
  scale: scaling,
  readers,
};

const USAGE = `Usage: npm run bench -- [OPTIONS]

Measures Dialhook and a baseline in the same run. Each figure is the median of alternating rounds.

  --only NAME   run only this benchmark: ${Object.keys(BENCHES).join(', ')}; repeatable
  --quick       one short round: shows that it runs, the figures mean little
  --check       exit with 1 if a figure misses its goal
  --json        print one JSON object as the last line of standard output
  --help        show this text`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const wanted = values.only ?? Object.keys(BENCHES);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `unknown benchmark: ${unknown.join(', ')}\n\n${USAGE}` : USAGE);
  process.exit(unknown.length > 0 ? 64 : 0);
}

const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const options = values.quick ? { rounds: 1, scale: 0.05 } : { rounds: 5, scale: 1 };
raisePriority();
const figures: Figure[] = [];
say(tableHead());
for (const name of wanted) {
  for (const figure of (await BENCHES[name]?.(options)) ?? []) {
    figures.push(figure);
    say(tableLine(figure));
  }
}
const missed = figures.filter((figure) => reached(figure) === false).map(({ name }) => name);
if (values.check) say(`\n${missed.length === 0 ? 'every goal is reached' : `missed: ${missed.join(', ')}`}`);
if (values.json) process.stdout.write(`${JSON.stringify({ ok: missed.length === 0, missed, figures })}\n`);
// Exit explicitly: see test/chaos/main.ts.
process.exit(values.check && missed.length > 0 ? 1 : 0);
