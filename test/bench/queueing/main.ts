import { COST_MS, pathMs, predict, processesFor, type Station } from './model.ts';
import { randomFrom, simulate } from './simulate.ts';

/** Prints the model's predictions and checks its queues against a simulation. Run: `node test/bench/queueing/main.ts`. */

const WORK = 200_000;

for (const perSecond of [10, 100, 1_000, 10_000, 100_000]) {
  const { processes, cores, decisionMs, megabitsPerSecond } = predict(perSecond);
  const list = (all: object) =>
    Object.entries(all)
      .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
      .join(', ');
  console.log(`${perSecond} calls/s: ${list(processes)}; ${cores.toPrecision(3)} cores busy`);
  console.log(`  adds ${decisionMs.toFixed(2)} ms to a decision; Mbit/s: ${list(megabitsPerSecond)}`);
}

console.log('\nmean ms of agent, NATS and router, model and simulation');
for (const perSecond of [100, 500, 1_000, 5_000]) {
  const path: Station[] = (['agent', 'nats', 'router'] as const).map((name) => ({
    name,
    serviceMs: COST_MS[name].call,
    processes: processesFor(perSecond, COST_MS[name].call),
  }));
  const simulated = simulate(path, perSecond, WORK, randomFrom(7));
  console.log(`${perSecond} calls/s: ${pathMs(path, perSecond).toFixed(2)}, ${simulated.toFixed(2)}`);
}
