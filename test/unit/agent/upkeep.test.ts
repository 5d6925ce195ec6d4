import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LimitStream } from '#libs/bus/limit-stream.ts';
import { Upkeep } from '#services/agent/limits/upkeep.ts';
import { recordLog } from '#test/support/log.ts';

/** The heartbeats come every 10 s. */
const LEASE_MS = 60_000;

describe('the upkeep of limits', () => {
  let published: string[];
  let deleted: number[];
  let isConnected: boolean;
  let runs: number;
  let node: string | undefined;
  let upkeep: Upkeep;

  beforeEach(() => {
    vi.useFakeTimers();
    [published, deleted, isConnected, node, runs] = [[], [], true, 'fs1', 0];
    const stream = {
      publish: async (subject: string) => published.push(subject),
      delete: async (seq: number) => {
        deleted.push(seq);
      },
    } as unknown as LimitStream;
    upkeep = new Upkeep({
      stream,
      leaseMs: LEASE_MS,
      aliveNode: () => node,
      isConnected: () => isConnected,
      onRun: () => void runs++,
      log: recordLog().log,
    });
    upkeep.start();
  });
  afterEach(() => {
    upkeep.stop();
    vi.useRealTimers();
  });

  const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

  it('sends six heartbeats in a lease, while the node has places and NATS is there', async () => {
    await pass(60);
    expect(published).toEqual(Array.from({ length: 6 }, () => 'dialhook.limits.node.fs1'));
    node = undefined;
    await pass(60);
    [node, isConnected] = ['fs1', false];
    await pass(60);
    expect(published).toHaveLength(6);
    expect(runs).toBe(12);
    isConnected = true;
    await pass(10);
    expect(published).toHaveLength(7);
    upkeep.stop();
    await pass(60);
    expect(published).toHaveLength(7);
  });

  it('deletes the messages of freed places', async () => {
    upkeep.onFreed(7);
    await pass(60);
    expect(deleted).toEqual([7]);
  });
});
