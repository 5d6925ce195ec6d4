import type { LifeHarness } from './harness.ts';

export const NO_MEDIA = 'the simulator has no media';

/** How long either side heard a sound while `run` ran, ms. */
export async function heardDuring(life: LifeHarness, run: () => Promise<unknown>) {
  const heard = (side: 'caller' | 'called') => (life.freeswitch.heard?.(side) ?? 0) * 20;
  const before = { caller: heard('caller'), called: heard('called') };
  await run();
  return { caller: heard('caller') - before.caller, called: heard('called') - before.called };
}
