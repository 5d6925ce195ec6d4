import { readdirSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { measureMs, observe } from './metrics.ts';

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

const GC_TYPES = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
} as const;

function observeEventLoop(): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000);
  observe('nodejs.eventloop.delay.p99', () => [[late(delay.percentile(99)), {}]]);
  // The last to be read: a new time begins.
  observe('nodejs.eventloop.delay.max', () => {
    const max = late(delay.max);
    delay.reset();
    return [[max, {}]];
  });
  let before = performance.eventLoopUtilization();
  observe('nodejs.eventloop.utilization', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return [[utilization, {}]];
  });
  return () => delay.disable();
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

/** Observes this process. Returns what ends it. */
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
