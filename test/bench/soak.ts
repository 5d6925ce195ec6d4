import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { closedLoop } from './load.ts';
import { newCall } from './node.ts';
import { quantile, short } from './numbers.ts';
import { plot } from './plot.ts';
import { raisePriority } from './priority.ts';
import type { State } from './probe.ts';

const USAGE = `Usage: npm run soak -- [OPTIONS]

Runs many calls through one cluster and reports whether memory, handles and latency stay flat.

  --calls N        number of calls (200000)
  --minutes N      stop after N minutes
  --in-flight N    simultaneous decisions (8)
  --samples N      number of samples (40)
  --plot FILE      write a plot as SVG
  --json           print one JSON object as the last line of standard output
  --help           show this text`;

const SERVICES = ['agent', 'router', 'notifier'];
const SERVED_EACH = 4;
const MEBIBYTE = 1024 * 1024;
/** Upper bound of last quarter / second quarter for a flat series. */
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

async function sample(cluster: BenchCluster, redis: Redis): Promise<Sample> {
  const one: Sample = {};
  for (const name of SERVICES) {
    const state = await cluster.named(name)[0]?.child.request<State>('state');
    if (!state) continue;
    one[`${name} rss MiB`] = state.rss / MEBIBYTE;
    one[`${name} handles`] = state.handles;
    one[`${name} loop p99 ms`] = state.loopP99Ms;
  }
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  one['redis MiB'] = used / MEBIBYTE;
  return one;
}

async function run(cluster: BenchCluster): Promise<{ samples: Sample[]; calls: number; seconds: number }> {
  const redis = new Redis(cluster.servers.redis);
  const [node] = cluster.nodes;
  const calls = Number(values.calls);
  const batch = Math.ceil(calls / Number(values.samples));
  const until = performance.now() + Number(values.minutes) * 60_000;
  for (const { child } of cluster.services) await child.request('watch');
  const samples: Sample[] = [];
  const began = performance.now();
  let made = 0;
  while (made < calls && performance.now() < until) {
    const pids = cluster.pids(...SERVICES, 'nats', 'redis');
    const cpu = cpuSeconds(pids);
    const { ms, perSecond } = await closedLoop(batch, Number(values['in-flight']), async () => {
      const call = newCall();
      const took = await node?.decide(call);
      node?.emit(call, 'ring', 'answer', 'hangup');
      return took;
    });
    made += batch;
    await cluster.endpoint.until(made * SERVED_EACH);
    const taken = {
      'decision p50 ms': quantile(ms, 0.5),
      'decision p99 ms': quantile(ms, 0.99),
      'calls per s': perSecond,
      'CPU ms per call': ((cpuSeconds(pids) - cpu) * 1000) / batch,
      ...(await sample(cluster, redis)),
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

raisePriority();
// The default of DEDUP_MS is longer than the run, so Redis would grow until its end.
const env = { DEDUP_MS: '61000', PROGRESS_DUPLICATE_WINDOW_MS: '30000', LOG_LEVEL: 'warn' };
const cluster = await BenchCluster.start({ env });
try {
  const { samples, calls, seconds } = await run(cluster);
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
  await cluster.stop();
}
// Exit explicitly: see test/chaos/main.ts.
process.exit();
