import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { cpuSeconds } from './child.ts';
import { closedLoop } from './load.ts';
import { quantile, short } from './numbers.ts';
import { plot } from './plot.ts';
import { comeFirst } from './priority.ts';
import type { State } from './probe.ts';
import { newCall } from './switch.ts';
import { World } from './world.ts';

const USAGE = `Usage: npm run soak -- [OPTIONS]

Runs many whole calls through one cluster and says whether memory, handles and latency stay flat.

  --calls N        calls in all (200000)
  --minutes N      end earlier, after so many minutes
  --in-flight N    calls being decided at once (8)
  --samples N      samples taken (40)
  --plot FILE      write a plot as SVG
  --json           print one JSON object as the last line of standard output
  --help           this text`;

const SERVICES = ['agent', 'router', 'notifier'];
const SERVED_EACH = 4;
const MEBIBYTE = 1024 * 1024;
/** What the last quarter may be above the second, as a ratio. */
const FLAT = 1.15;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '200000' },
    minutes: { type: 'string', default: '1000' },
    'in-flight': { type: 'string', default: '8' },
    samples: { type: 'string', default: '40' },
    plot: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

type Sample = Record<string, number>;

async function sample(world: World, redis: Redis): Promise<Sample> {
  const one: Sample = {};
  for (const name of SERVICES) {
    const state = await world.named(name)[0]?.child.ask<State>('state');
    if (!state) continue;
    one[`${name} rss MiB`] = state.rss / MEBIBYTE;
    one[`${name} handles`] = state.handles;
    one[`${name} loop p99 ms`] = state.loopP99Ms;
  }
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  one['redis MiB'] = used / MEBIBYTE;
  return one;
}

async function run(world: World): Promise<{ samples: Sample[]; calls: number; seconds: number }> {
  const redis = new Redis(world.servers.redis);
  const [node] = world.switches;
  const calls = Number(values.calls);
  const batch = Math.ceil(calls / Number(values.samples));
  const until = performance.now() + Number(values.minutes) * 60_000;
  for (const { child } of world.services) await child.ask('watch');
  const samples: Sample[] = [];
  const began = performance.now();
  let made = 0;
  while (made < calls && performance.now() < until) {
    const pids = world.pids(...SERVICES, 'nats', 'redis');
    const cpu = cpuSeconds(pids);
    const { ms, perSecond } = await closedLoop(batch, Number(values['in-flight']), async () => {
      const call = newCall();
      const took = await node?.decide(call);
      node?.tell(call, 'ring', 'answer', 'hangup');
      return took;
    });
    made += batch;
    await world.endpoint.until(made * SERVED_EACH);
    const taken = {
      'decision p50 ms': quantile(ms, 0.5),
      'decision p99 ms': quantile(ms, 0.99),
      'calls per s': perSecond,
      'CPU ms per call': ((cpuSeconds(pids) - cpu) * 1000) / batch,
      ...(await sample(world, redis)),
    };
    samples.push(taken);
    console.error(
      `${made} calls, ${Object.entries(taken)
        .map(([k, v]) => `${k} ${short(v)}`)
        .join(', ')}`,
    );
  }
  redis.disconnect();
  return { samples, calls: made, seconds: Math.round((performance.now() - began) / 1000) };
}

comeFirst();
// Ids of notifications are remembered for two hours, which is longer than this runs: a minute, so that it can be flat.
const env = { DEDUP_MS: '61000', PROGRESS_DUPLICATE_WINDOW_MS: '30000', LOG_LEVEL: 'warn' };
const world = await World.start({ env });
try {
  const { samples, calls, seconds } = await run(world);
  const names = Object.keys(samples[0] ?? {});
  const of = (name: string) => samples.map((one) => one[name] ?? 0);
  const part = (name: string, from: number, to: number) =>
    quantile(of(name).slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)), 0.5);
  const rows = names.map((name) => {
    const [early, late] = [part(name, 0.25, 0.5), part(name, 0.75, 1)];
    return { name, early: short(early), late: short(late), ratio: short(late / early) };
  });
  const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);
  say(`${calls} calls in ${seconds} s; medians of the second and of the last quarter`);
  for (const { name, early, late, ratio } of rows)
    say(
      `${name.padEnd(24)} ${String(early).padEnd(10)} ${String(late).padEnd(10)} ${ratio}${ratio > FLAT ? ' grows' : ''}`,
    );
  if (values.plot !== undefined)
    writeFileSync(
      values.plot,
      plot(
        `${calls} calls in ${seconds} s`,
        names.map((name) => ({ name, values: of(name) })),
      ),
    );
  if (values.json) process.stdout.write(`${JSON.stringify({ calls, seconds, rows, samples })}\n`);
} finally {
  await world.stop();
}
// Not left to end by itself: see test/chaos/main.ts.
process.exit();
