import type { InstrumentName } from '#libs/telemetry/catalogue.ts';

/** The metrics that no dashboard and no alert uses, with the reason. They are for queries of your own. */
export const LEFT_OUT: Readonly<Partial<Record<InstrumentName, string>>> = {
  'process.uptime': 'a restart is visible as a gap in the readiness checks',
  'process.unix.file_descriptor.count': 'a process without free descriptors fails its readiness checks',
  'v8js.memory.heap.used': 'the panel Memory has the resident memory, on which container limits act',
  'nodejs.eventloop.utilization': 'the panels CPU and Event loop delay show an overloaded process',
  'nodejs.eventloop.delay.max': 'the 99th percentile has a panel and an alert; one late timer is no fault',
};
