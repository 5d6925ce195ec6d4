import { fork } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { fuzzProcesses, selectedWays } from './processes/run.ts';
import { WAYS } from './processes/ways.ts';
import { PROPERTIES } from './properties.ts';
import { CANARY, type Outcomes, runProperty } from './property.ts';

const USAGE = `Usage: npm run fuzz -- [OPTIONS]

Runs random hostile inputs through Dialhook's parsers and writers. Cases are divided among the properties and processes.
A finding is printed with the seed and path that reproduce it; the exit code is then 1.

  --cases N      total number of cases (1000000)
  --seed N       seed of the random numbers (default: from the clock)
  --jobs N       processes (default: one per core)
  --only NAME    run only this property: ${PROPERTIES.map(({ name }) => name).join(', ')}
                 or send it to running services: processes, ${WAYS.map(({ name }) => name).join(', ')},
                 process-sip, process-sip-own-uuid (with a freeswitch on the PATH, not in
                 processes); --cases then counts for each of them
  --freeswitch   place calls through the freeswitch on the PATH, which executes random decisions
  --calls N      number of calls with --freeswitch (2000)
  --help         show this text`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    jobs: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string' },
    freeswitch: { type: 'boolean', default: false },
    calls: { type: 'string', default: '2000' },
  },
});

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const whole = (name: 'cases' | 'seed' | 'jobs' | 'calls'): number => {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} must be a whole number`);
  process.exit(2);
};

interface Part {
  readonly name: string;
  readonly cases: number;
  readonly seed: number;
}

/** Cases per process: small enough to keep all processes busy until the end and to bound their memory. */
const PART = 25_000;

function runPart(part: Part): Promise<Outcomes> {
  const child = fork(import.meta.filename, [], {
    env: { ...process.env, FUZZ_PART: JSON.stringify(part) },
  });
  const { promise, resolve } = Promise.withResolvers<Outcomes>();
  child.on('message', (outcomes) => resolve(outcomes as Outcomes));
  child.on('exit', (code) =>
    resolve({ name: part.name, cases: 0, executed: 0, ms: 0, finding: `the process exited with ${code}` }),
  );
  return promise;
}

async function fuzz(): Promise<boolean> {
  const chosen = PROPERTIES.filter(({ name }) => values.only === undefined || name === values.only);
  const [cases, seed] = [whole('cases'), whole('seed')];
  console.log(`seed ${seed}: ${cases} cases, ${chosen.length} properties`);
  const each = Math.ceil(cases / Math.max(1, chosen.length));
  const parts = chosen.flatMap(({ name }) =>
    Array.from({ length: Math.ceil(each / PART) }, (_, at): Part => {
      return { name, cases: Math.min(PART, each - at * PART), seed: (seed + at) % 2 ** 31 };
    }),
  );
  const done: Outcomes[] = [];
  const started = performance.now();
  const work = async () => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const outcomes = await runPart(part);
      done.push(outcomes);
      if (outcomes.finding !== undefined) console.log(`\n${outcomes.name}: ${outcomes.finding}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, whole('jobs')) }, work));
  for (const { name, what } of chosen) {
    const own = done.filter((one) => one.name === name);
    const findings = own.filter(({ finding }) => finding !== undefined).length;
    const ran = own.reduce((sum, one) => sum + one.cases, 0);
    const deep = own.reduce((sum, one) => sum + one.executed, 0);
    console.log(
      `${String(ran).padStart(9)} cases, ${String(deep).padStart(7)} executed, ${findings} findings  ${name}: ${what}`,
    );
  }
  const total = done.reduce((sum, one) => sum + one.cases, 0);
  console.log(
    `${String(total).padStart(9)} cases in total, ${Math.round((performance.now() - started) / 1000)} s`,
  );
  return done.every(({ finding }) => finding === undefined) && total >= cases;
}

async function main(): Promise<void> {
  const given = process.env['FUZZ_PART'];
  if (given !== undefined) {
    const part = JSON.parse(given) as Part;
    const property = PROPERTIES.find(({ name }) => name === part.name);
    if (property) process.send?.(runProperty(property, part.cases, part.seed), () => process.disconnect());
    return;
  }
  rmSync(CANARY, { force: true });
  const ways = selectedWays(values.only);
  if (ways.length > 0) {
    process.exitCode = (await fuzzProcesses(ways, whole('cases'), whole('seed'))) ? 0 : 1;
    return;
  }
  const well = values.freeswitch
    ? await (await import('./against-freeswitch.ts')).fuzzFreeSwitch(whole('calls'), whole('seed'))
    : await fuzz();
  const ran = existsSync(CANARY);
  if (ran) console.log(`the canary command ran: ${CANARY}`);
  process.exitCode = well && !ran ? 0 : 1;
}

await main();
