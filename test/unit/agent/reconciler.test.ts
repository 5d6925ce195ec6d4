import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Reconciler } from '#services/agent/reconciler.ts';
import { quietLog } from '#test/support/log.ts';

let reconciliations: number;
let reconciler: Reconciler;

beforeEach(() => {
  vi.useFakeTimers();
  reconciliations = 0;
  const live = {
    uuids: async () => {
      reconciliations++;
      return [];
    },
  };
  reconciler = new Reconciler({
    api: async () => 'true',
    apiJson: async () => ({}),
    nodeName: 'fs1',
    live: live as never,
    buffer: {} as never,
    intervalMs: 3_600_000,
    confirmMs: 0,
    restartWaitMs: 0,
    log: quietLog,
    aside: new SetAside(quietLog),
  });
});
afterEach(() => vi.useRealTimers());

it('compares once, a second after the first of several calls of reconcileSoon', async () => {
  reconciler.reconcileSoon();
  await vi.advanceTimersByTimeAsync(900);
  reconciler.reconcileSoon();
  expect(reconciliations).toBe(0);
  await vi.advanceTimersByTimeAsync(100);
  expect(reconciliations).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reconciliations).toBe(1);
  reconciler.reconcileSoon();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reconciliations).toBe(2);
});

it('compares no more after close', async () => {
  reconciler.reconcileSoon();
  await reconciler.close();
  reconciler.reconcileSoon();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reconciliations).toBe(0);
});
