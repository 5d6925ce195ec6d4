import { readdirSync } from 'node:fs';
import { constants, PerformanceObserver, performance } from 'node:perf_hooks';
import { EventLoopDelay } from './event-loop.ts';
import { measureMs, observe } from './metrics.ts';

const GC_TYPES = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
} as const;

function observeEventLoop(): () => void {
  const delay = new EventLoopDelay();
  let last = { p99Ms: 0, maxMs: 0 };
  // Metrics are read in the order of their registration: both values are from the same period.
  observe('nodejs.eventloop.delay.p99', () => {
    last = delay.take();
    return [[last.p99Ms / 1000, {}]];
  });
  observe('nodejs.eventloop.delay.max', () => [[last.maxMs / 1000, {}]]);
  let before = performance.eventLoopUtilization();
  observe('nodejs.eventloop.utilization', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return [[utilization, {}]];
  });
  return () => delay.stop();
}

function observeGarbageCollection(): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const type = GC_TYPES[(entry as unknown as { detail: { kind: number } }).detail.kind];
      if (type !== undefined) measureMs('v8js.gc.duration', entry.duration, { 'v8js.gc.type': type });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

/** Registers the metrics of this process. The returned function ends the observation. */
export function observeProcess(): () => void {
  observe('process.cpu.time', () => {
    const { user, system } = process.cpuUsage();
    return [
      [user / 1e6, { 'cpu.mode': 'user' }],
      [system / 1e6, { 'cpu.mode': 'system' }],
    ];
  });
  observe('process.memory.usage', () => [[process.memoryUsage.rss(), {}]]);
  observe('process.uptime', () => [[process.uptime(), {}]]);
  observe('v8js.memory.heap.used', () => [[process.memoryUsage().heapUsed, {}]]);
  observe('process.unix.file_descriptor.count', () => [[readdirSync('/proc/self/fd').length, {}]]);
  const ends = [observeEventLoop(), observeGarbageCollection()];
  return () => {
    for (const end of ends) end();
  };
}
