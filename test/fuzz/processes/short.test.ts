import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, it } from 'vitest';
import { type FakeNode, fakeNode } from './nodes.ts';
import { fuzzWay } from './run.ts';
import { Target } from './target.ts';
import { WAYS } from './ways.ts';

/** `npm run fuzz -- --only processes` is the long form; FUZZ_SEED repeats a run. */
const CASES = 200;
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

let node: FakeNode;
let target: Target;

beforeAll(async () => {
  node = await fakeNode();
  target = await Target.start(node);
  await target.check(randomUUID());
});
afterAll(() => target.stop());

it.each(WAYS)('$name: $what stop no process and no other call', async (way) => {
  await fuzzWay(way, node, target, CASES, SEED);
});
