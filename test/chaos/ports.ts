import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which Linux gives ports to outgoing connections: one that is free stays so over a restart. */
const FIRST = 20_000;
const LAST = 32_000;

let next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** A port of the loopback address for a server that is to be ended and started again on it. */
export async function privatePort(): Promise<number> {
  for (let tries = LAST - FIRST; tries > 0; tries--) {
    const port = next;
    next = port + 1 < LAST ? port + 1 : FIRST;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}
