import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** A block of ports below the range from which the kernel hands out its own, kept by one FreeSWITCH. */
export interface Ports {
  readonly eventSocket: number;
  readonly internal: number;
  readonly external: number;
  readonly rtpFirst: number;
  readonly rtpLast: number;
  release(): void;
}

const HOST = '127.0.0.1';
const FIRST = 10_000;
const SIZE = 1000;
const BLOCKS = 22;

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, HOST);
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}

async function free(port: number): Promise<boolean> {
  const tcp = await listen(port);
  tcp?.close();
  const udp = createSocket('udp4').bind(port, HOST);
  const udpFree = await once(udp, 'listening').then(
    () => true,
    () => false,
  );
  if (udpFree) udp.close();
  return udpFree && tcp !== undefined;
}

/** A FreeSWITCH of another test run keeps out of a block because its first TCP port is taken for as long as it runs. */
export async function reservePorts(): Promise<Ports> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const first = FIRST + ((start + i) % BLOCKS) * SIZE;
    const lock = await listen(first);
    if (lock === undefined) continue;
    const ports = { eventSocket: first + 1, internal: first + 2, external: first + 3 };
    const allFree = await Promise.all(Object.values(ports).map(free));
    if (allFree.every(Boolean))
      return { ...ports, rtpFirst: first + 100, rtpLast: first + SIZE - 2, release: () => void lock.close() };
    lock.close();
  }
  throw new Error(`no block of free ports from ${FIRST} to ${FIRST + BLOCKS * SIZE}`);
}
