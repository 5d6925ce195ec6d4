import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freeswitchFound } from '#test/support/freeswitch/process.ts';
import { agentHost, runOnFreeSwitchHost } from './agent-host.ts';
import type { Row } from './checker.ts';
import { earlierVersion } from './earlier-version.ts';
import type { Fault } from './fault.ts';
import { FAULTS, faultNamed, ON_FREESWITCH } from './faults.ts';
import { RealNode } from './real-node.ts';
import { runFaults } from './run.ts';
import { tableHead, tableLine } from './table.ts';
import { Unavailable } from './unavailable.ts';

const USAGE = `Usage: npm run chaos -- [OPTIONS]

Injects faults into a local cluster while calls are placed, and checks that it keeps its promises. By default FreeSWITCH
is simulated. With --freeswitch the calls are SIP calls through two real nodes, and the default faults are those of
agents, routers and FreeSWITCH.

  --fault NAME   run only this fault, or simultaneous faults as NAME+NAME; repeatable
  --freeswitch   use the freeswitch on the PATH
  --short        use the short duration of each fault
  --seconds N    duration of each fault
  --rate N       calls per second (default 10; 4 with --freeswitch)
  --other FOLDER start one agent, one router and one notifier from this folder: another version, with its packages;
                 without it two-versions takes the last release
  --log FOLDER   write the services' log lines to one file per fault
  --json         print one JSON object as the last line of standard output
  --list         list the faults
  --help         show this text`;

const EXIT_USAGE = 64;
const MAX_SECONDS = 3_600;
const MAX_RATE = 200;

class UsageError extends Error {}

function number(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`--${name} must be a whole number from 1 to ${max}, not ${text}`);
}

/** Groups of simultaneous faults. */
function runsNamed(names: readonly string[] | undefined, freeswitch: boolean): readonly (readonly Fault[])[] {
  if (names === undefined)
    return FAULTS.filter(({ name }) => !freeswitch || ON_FREESWITCH.has(name)).map((fault) => [fault]);
  return names.map((together) =>
    together.split('+').map((name) => {
      const fault = faultNamed(name);
      if (fault === undefined) throw new UsageError(`unknown fault ${name}; --list lists the faults`);
      return fault;
    }),
  );
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      fault: { type: 'string', multiple: true },
      freeswitch: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      log: { type: 'string' },
      other: { type: 'string' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.freeswitch && !freeswitchFound()) throw new UsageError('there is no freeswitch on the PATH');
  return {
    ...values,
    runs: runsNamed(values.fault, values.freeswitch),
    seconds: number('seconds', values.seconds, MAX_SECONDS),
    rate: number('rate', values.rate, MAX_RATE) ?? (values.freeswitch ? 4 : 10),
  };
}

const nameOf = (faults: readonly Fault[]): string => faults.map(({ name }) => name).join('+');

/** The last line of standard output with --json. */
interface Result {
  readonly ok: boolean;
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly failed: readonly { readonly fault: string; readonly error: string }[];
}

type Options = ReturnType<typeof readOptions>;

function optionsOrExit(): Options {
  try {
    return readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}

/** Runs the faults in a process of its own, in the network namespace of a FreeSWITCH host. */
async function runInNamespace(
  faults: readonly Fault[],
  { seconds, short, rate, log, other, freeswitch }: Options,
): Promise<Row> {
  const output = await runOnFreeSwitchHost([
    ...['--json', '--fault', nameOf(faults), '--rate', String(rate)],
    ...(short ? ['--short'] : []),
    ...(freeswitch ? ['--freeswitch'] : []),
    ...(seconds === undefined ? [] : ['--seconds', String(seconds)]),
    ...(log === undefined ? [] : ['--log', resolve(log)]),
    ...(other === undefined ? [] : ['--other', resolve(other)]),
  ]);
  const { rows, failed } = JSON.parse(output) as Result;
  if (!rows[0]) throw new Error(failed[0]?.error ?? 'no row');
  return rows[0];
}

/** The folder of --other, or what the faults need. */
function otherVersion(faults: readonly Fault[], other: string | undefined) {
  if (other !== undefined) return { otherVersion: resolve(other) };
  return faults.some(({ twoVersions }) => twoVersions) ? { otherVersion: earlierVersion() } : {};
}

/** Runs simultaneous faults in a new cluster. */
async function runOne(faults: readonly Fault[], options: Options): Promise<Row> {
  if (faults.some(({ cluster }) => cluster?.agentHost) && !agentHost())
    return runInNamespace(faults, options);
  const { seconds, short, rate, log, other, freeswitch } = options;
  const file = log === undefined ? undefined : join(log, `${nameOf(faults)}.log`);
  if (file !== undefined) rmSync(file, { force: true });
  const timing = {
    seconds: seconds ?? (short ? ('short' as const) : ('long' as const)),
    beforeMs: short ? 1_000 : 3_000,
    steadyMs: short ? 1_500 : 3_000,
  };
  const [row] = await runFaults([faults], {
    ...{ rate, timing },
    ...(file === undefined ? {} : { log: file }),
    ...otherVersion(faults, other),
    ...(freeswitch ? { createNode: RealNode.create } : {}),
  });
  if (!row) throw new Error('no row');
  return row;
}

async function main(options: Options): Promise<boolean> {
  const { runs, json, log } = options;
  const say = (text: string) => {
    // The process that has started this one in a namespace prints the table.
    if (!agentHost()) (json ? process.stderr : process.stdout).write(`${text}\n`);
  };
  if (log !== undefined) mkdirSync(log, { recursive: true });
  const began = performance.now();
  const rows: Row[] = [];
  const failed: { fault: string; error: string }[] = [];
  say(tableHead());
  for (const faults of runs) {
    try {
      const row = await runOne(faults, options);
      rows.push(row);
      say(tableLine(row));
    } catch (error) {
      const { message } = error as Error;
      const skipped = error instanceof Unavailable;
      if (!skipped) failed.push({ fault: nameOf(faults), error: message });
      say(`${nameOf(faults)}: ${skipped ? 'skipped' : 'failed to run'}: ${message}`);
    }
  }
  const broken = rows.filter(({ ok }) => !ok).length + failed.length;
  const seconds = Math.round((performance.now() - began) / 1000);
  say(
    `\n${runs.length} faults in ${seconds} s, ${broken === 0 ? 'all promises kept' : `${broken} with a broken promise`}`,
  );
  const result: Result = { ok: broken === 0, seconds, rows, failed };
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return broken === 0;
}

const options = optionsOrExit();
if (options.help) console.log(USAGE);
else if (options.list)
  for (const { name, does, ends } of FAULTS) console.log(`${name.padEnd(24)} ${does}; ends: ${ends}`);
// Exit explicitly: after reset connections, Node 24 can spin forever in its own clean-up.
else process.exit((await main(options)) ? 0 : 1);
