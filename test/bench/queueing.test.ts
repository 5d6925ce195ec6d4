import { describe, expect, it } from 'vitest';
import { pathMs, predict, processesFor, residenceMs, type Station } from '#test/bench/queueing/model.ts';
import { randomFrom, simulate } from '#test/bench/queueing/simulate.ts';

const station = (serviceMs: number, processes: number): Station => ({ name: 'one', serviceMs, processes });

describe('the model of the cluster', () => {
  it.each([
    ['a single process, half busy', [station(1, 1)], 500],
    ['a single process, busy', [station(1, 1)], 850],
    ['four processes', [station(2, 4)], 1_200],
    ['agent, NATS and router', [station(1.7, 3), station(0.6, 1), station(0.55, 1)], 1_000],
  ])('says of %s what the simulation finds', (_, path, perSecond) => {
    const simulated = simulate(path, perSecond, 400_000, randomFrom(7));
    expect(simulated / pathMs(path, perSecond)).toBeGreaterThan(0.93);
    expect(simulated / pathMs(path, perSecond)).toBeLessThan(1.07);
  });

  it('has no answer for more than the processes can do', () => {
    expect(residenceMs(station(1, 2), 2_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('asks for enough processes, and for one at least', () => {
    expect(processesFor(1, 1)).toBe(1);
    expect(processesFor(1_000, 1.2)).toBe(2);
    expect(processesFor(1_000, 1.3)).toBe(3);
  });

  it('grows with the calls and keeps the added time', () => {
    const [small, large] = [predict(1_000), predict(100_000)];
    expect(large.cores).toBeCloseTo(100 * small.cores, 6);
    expect(large.decisionMs).toBeLessThan(2 * small.decisionMs);
  });
});
