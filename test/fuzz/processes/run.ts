import { crc32 } from 'node:zlib';
import { Random } from './mutate.ts';
import { fakeNode, realNode } from './nodes.ts';
import { SIP_WAYS } from './sip.ts';
import { type FuzzNode, Target } from './target.ts';
import type { Way } from './way.ts';
import { WAYS } from './ways.ts';

/** Cases between two checks. */
const BATCH = 2_500;

/** The ways that `--only` selects; those of SIP need freeswitch on the PATH. */
export const selectedWays = (only: string | undefined): readonly string[] => {
  const names = WAYS.map(({ name }) => name);
  if (only === 'processes') return names;
  return [...names, ...SIP_WAYS.map(({ way }) => way.name)].filter((name) => name === only);
};

async function runBatch<N extends FuzzNode>(
  way: Way<N>,
  node: N,
  target: Target,
  random: Random,
  cases: number,
): Promise<void> {
  const { run, verify, close } = await way.open(target, node);
  let left = cases;
  const work = async () => {
    while (left-- > 0) await run(random);
  };
  try {
    await Promise.all(Array.from({ length: way.atOnce }, work));
    await verify?.();
  } finally {
    close();
  }
}

/** Sends the cases of one way in batches, and checks the processes after each. @throws with the seed of the batch. */
export async function fuzzWay<N extends FuzzNode>(
  way: Way<N>,
  node: N,
  target: Target,
  cases: number,
  seed: number,
): Promise<void> {
  for (let done = 0, batch = 0; done < cases; done += BATCH, batch++) {
    const batchSeed = (seed + batch) % 2 ** 31;
    // Other numbers for each way: a notification of a call that an earlier way has used is a duplicate.
    const random = new Random(batchSeed ^ crc32(way.name));
    try {
      await runBatch(way, node, target, random, Math.min(BATCH, cases - done));
      await target.check(random.uuid(), way.everyCallEnds);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${way.name}, --seed ${batchSeed}, after ${done} cases: ${message}`, { cause: error });
    }
    if (process.env['FUZZ_PROGRESS'] && batch % 10 === 0) console.log(`${way.name}: ${done} cases`);
  }
}

async function fuzzOn<N extends FuzzNode>(
  way: Way<N>,
  node: N,
  cases: number,
  seed: number,
): Promise<boolean> {
  const target = await Target.start(node);
  const started = performance.now();
  try {
    await target.check(new Random(seed).uuid());
    await fuzzWay(way, node, target, cases, seed);
    const seconds = Math.round((performance.now() - started) / 1_000);
    const { requests, notifications, repeated, withoutRequest } = target.heard;
    console.log(
      `${String(cases).padStart(9)} cases, 0 findings, ${seconds} s  ${way.name}: ${way.what}; the endpoint got ${requests} requests, ${notifications} notifications; ${repeated} came again, ${withoutRequest} hangups of calls without a request`,
    );
    return true;
  } catch (error) {
    console.log(`finding: ${(error as Error).message}`);
    for (const line of target.lines.slice(-20)) console.log(JSON.stringify(line).slice(0, 500));
    return false;
  } finally {
    await target.stop();
  }
}

/** The long form: each way with its cases. @returns whether nothing was found. */
export async function fuzzProcesses(names: readonly string[], cases: number, seed: number): Promise<boolean> {
  let well = true;
  for (const name of names) {
    const way = WAYS.find((one) => one.name === name);
    const sip = SIP_WAYS.find((one) => one.way.name === name);
    if (way) well = (await fuzzOn(way, await fakeNode(), cases, seed)) && well;
    if (sip) well = (await fuzzOn(sip.way, await realNode(sip.callIdAsUuid), cases, seed)) && well;
  }
  return well;
}
