import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';

/** Below the range that Linux uses for outgoing connections: a free port stays free while its server restarts. */
const FIRST = 20_000;
const LAST = 32_000;
let next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, HOST);
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}

async function isTcpFree(port: number): Promise<boolean> {
  const server = await listen(port);
  server?.close();
  return server !== undefined;
}

async function isUdpFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, HOST);
  return once(socket, 'listening').then(
    () => {
      socket.close();
      return true;
    },
    () => false,
  );
}

/** A free TCP port of 127.0.0.1. Never the same one twice in a process. */
export async function freePort(): Promise<number> {
  for (let tries = LAST - FIRST; tries > 0; tries--) {
    const port = next;
    next = port + 1 < LAST ? port + 1 : FIRST;
    if (await isTcpFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${LAST}`);
}

/** The ports of one FreeSWITCH. */
export interface PortBlock {
  readonly eventSocket: number;
  readonly internal: number;
  readonly external: number;
  readonly secure: number;
  readonly rtpFirst: number;
  readonly rtpLast: number;
  release(): void;
}

const BLOCK_FIRST = 10_000;
const BLOCK_SIZE = 1000;
const BLOCKS = 22;

/** Reserves 1,000 ports for one FreeSWITCH until `release`. Its first TCP port, kept open, is the lock between processes. */
export async function reservePortBlock(): Promise<PortBlock> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const first = BLOCK_FIRST + ((start + i) % BLOCKS) * BLOCK_SIZE;
    const lock = await listen(first);
    if (lock === undefined) continue;
    const ports = { eventSocket: first + 1, internal: first + 2, external: first + 3, secure: first + 4 };
    const free = await Promise.all(
      Object.values(ports).flatMap((port) => [isTcpFree(port), isUdpFree(port)]),
    );
    if (free.every(Boolean))
      return {
        ...ports,
        rtpFirst: first + 100,
        rtpLast: first + BLOCK_SIZE - 2,
        release: () => void lock.close(),
      };
    lock.close();
  }
  throw new Error(`no free block of ports from ${BLOCK_FIRST} to ${BLOCK_FIRST + BLOCKS * BLOCK_SIZE}`);
}
