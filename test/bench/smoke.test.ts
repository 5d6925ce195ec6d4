import { expect, it } from 'vitest';
import { hops } from './decision.ts';
import type { Figure } from './figure.ts';

it('a benchmark measures real servers', async () => {
  const figures: Figure[] = await hops({ rounds: 1, scale: 0.05 });
  expect(figures.map(({ name }) => name)).toEqual(['hop_nats', 'hop_socket']);
  for (const { ours, baseline, ratio } of figures)
    for (const value of [ours, baseline, ratio]) expect(value).toBeGreaterThan(0);
});
