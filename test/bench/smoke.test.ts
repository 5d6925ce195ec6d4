import { expect, it } from 'vitest';
import { hops } from './decision.ts';
import { alternate, type Figure, figureOf, reached, tableLine } from './figure.ts';
import { median, quantile } from './numbers.ts';
import { plot } from './plot.ts';

const about = { name: 'x', what: 'x beside y', unit: 'ms' };

it('measures with real servers and gives figures that can be read', async () => {
  const figures: Figure[] = await hops({ rounds: 1, scale: 0.05 });
  expect(figures.map(({ name }) => name)).toEqual(['hop_nats', 'hop_socket']);
  for (const { ours, bare, ratio, rounds } of figures) {
    for (const value of [ours, bare, ratio]) expect(value).toBeGreaterThan(0);
    expect(rounds).toBe(1);
  }
  expect(JSON.parse(JSON.stringify(figures))).toEqual(figures);
});

it('takes the median of the ratios of the rounds, not the ratio of medians', () => {
  const pairs = [
    { ours: 2, bare: 1 },
    { ours: 30, bare: 10 },
    { ours: 8, bare: 2 },
  ];
  expect(figureOf(about, pairs)).toMatchObject({ ours: 8, bare: 2, ratio: 3, spread: [2, 4], rounds: 3 });
});

it('says whether a goal is reached', () => {
  const figure = figureOf(about, [{ ours: 3, bare: 2 }]);
  expect(reached(figure)).toBeUndefined();
  expect(reached({ ...figure, goal: { atMost: 1.5 } })).toBe(true);
  expect(reached({ ...figure, goal: { atMost: 1.4 } })).toBe(false);
  expect(reached({ ...figure, goal: { atLeast: 1.6 } })).toBe(false);
  expect(tableLine({ ...figure, goal: { atMost: 1.4 } })).toMatch(/<= 1\.4\s+short$/);
});

it('begins with either side in turn and leaves the first round out', async () => {
  const order: string[] = [];
  let round = 0;
  const side = (name: string) => async () => {
    order.push(name);
    return round++;
  };
  const results = await alternate(2, side('ours'), side('bare'));
  expect(order).toEqual(['ours', 'bare', 'bare', 'ours', 'ours', 'bare']);
  expect(results).toEqual([
    { ours: 3, bare: 2 },
    { ours: 4, bare: 5 },
  ]);
});

it('counts quantiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
  expect(quantile([1, 2, 3], 0.99)).toBe(3);
});

it('draws a panel for each series', () => {
  const svg = plot('a soak', [
    { name: 'rss MiB', values: [1, 2, 3] },
    { name: 'p50 ms', values: [1, 1, 1] },
  ]);
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain('0 to 3.00');
});
