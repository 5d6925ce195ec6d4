import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Loaded into a service before its main.ts. Reports the memory, sockets and event loop of the process over IPC. */

export type ProbeCommand = 'memory' | 'state' | 'watch' | 'wire';

export interface Memory {
  /** Bytes of heap and buffers after a garbage collection. */
  readonly used: number;
  readonly rss: number;
}

export interface State {
  readonly rss: number;
  readonly heapUsed: number;
  /** Number of active resources: timers, sockets and the like. */
  readonly handles: number;
  /** Maximum and 99th percentile of the event loop delay since the last report, in ms. */
  readonly loopMaxMs: number;
  readonly loopP99Ms: number;
}

/** Bytes since the start by remote port; those of accepted connections under `accepted`. */
export type Wire = Readonly<Record<string, { readonly sent: number; readonly received: number }>>;

const NANOS = 1e6;
const delay = monitorEventLoopDelay({ resolution: 5 });
const sockets = new Map<Socket, string>();
const closed: Record<string, { sent: number; received: number }> = {};

function addTo(sums: typeof closed, name: string, socket: Socket): void {
  sums[name] ??= { sent: 0, received: 0 };
  sums[name].sent += socket.bytesWritten;
  sums[name].received += socket.bytesRead;
}

function follow(message: unknown, accepted: boolean): void {
  const { socket } = message as { socket: Socket };
  sockets.set(socket, 'accepted');
  if (!accepted) socket.once('connect', () => sockets.set(socket, String(socket.remotePort)));
  socket.once('close', () => {
    addTo(closed, sockets.get(socket) ?? '', socket);
    sockets.delete(socket);
  });
}

subscribe('net.client.socket', (message) => follow(message, false));
subscribe('net.server.socket', (message) => follow(message, true));

function memory(): Memory {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

function state(): State {
  const { heapUsed, rss } = process.memoryUsage();
  const loop = { loopMaxMs: delay.max / NANOS, loopP99Ms: delay.percentile(99) / NANOS };
  delay.reset();
  return { rss, heapUsed, handles: process.getActiveResourcesInfo().length, ...loop };
}

function wire(): Wire {
  const sums = structuredClone(closed);
  for (const [socket, name] of sockets) addTo(sums, name, socket);
  return sums;
}

const REPORTS: Readonly<Record<ProbeCommand, () => unknown>> = {
  memory,
  state,
  wire,
  watch: () => {
    delay.enable();
    delay.reset();
    return true;
  },
};

process.on('message', (command: ProbeCommand) => process.send?.(REPORTS[command]()));
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
