import { parseArgs } from 'node:util';
import { decisions, hops } from './decision.ts';
import { events } from './events.ts';
import { type Figure, reached, tableHead, tableLine } from './figure.ts';
import { liveCalls } from './live-calls.ts';
import { notify } from './notify.ts';
import type { Options } from './options.ts';
import { comeFirst } from './priority.ts';
import { scaling } from './scale.ts';
import { startUp } from './startup.ts';

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Figure[]>>> = {
  decision: decisions,
  hops,
  notify,
  events,
  live: liveCalls,
  start: startUp,
  scale: scaling,
};

const USAGE = `Usage: npm run bench -- [OPTIONS]

Measures Dialhook beside the bare thing in the same run: each figure is the median of alternated rounds.

  --only NAME   only this: ${Object.keys(BENCHES).join(', ')}; may be given several times
  --quick       few and short rounds: shows that it works, measures little
  --check       exit code 1 when a figure falls short of its goal
  --json        print one JSON object as the last line of standard output
  --help        this text`;

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
  console.log(unknown.length > 0 ? `nothing is called ${unknown.join(', ')}\n\n${USAGE}` : USAGE);
  process.exit(unknown.length > 0 ? 64 : 0);
}

const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const options = values.quick ? { rounds: 1, scale: 0.05 } : { rounds: 5, scale: 1 };
comeFirst();
const figures: Figure[] = [];
say(tableHead());
for (const name of wanted) {
  for (const figure of (await BENCHES[name]?.(options)) ?? []) {
    figures.push(figure);
    say(tableLine(figure));
  }
}
const short = figures.filter((figure) => reached(figure) === false).map(({ name }) => name);
if (values.check)
  say(`\n${short.length === 0 ? 'every goal is reached' : `short of the goal: ${short.join(', ')}`}`);
if (values.json) process.stdout.write(`${JSON.stringify({ ok: short.length === 0, short, figures })}\n`);
// Not left to end by itself: see test/chaos/main.ts.
process.exit(values.check && short.length > 0 ? 1 : 0);
