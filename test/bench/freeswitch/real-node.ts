import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventSocket } from '#test/support/freeswitch/event-socket.ts';
import { FreeSwitchProcess, makeFolders } from '#test/support/freeswitch/process.ts';
import { reservePortBlock } from '#test/support/ports.ts';

const START_MS = 90_000;
const POLL_MS = 50;
export const PASSWORD = 'bench';

export interface BenchFreeSwitch {
  readonly sipPort: number;
  readonly eventPort: number;
  readonly pid: number;
  api(command: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a FreeSWITCH whose dialplan has one extension per routing method. */
export async function startFreeSwitch(settings: {
  readonly callee: string;
  readonly agent: number;
  readonly floor: number;
  readonly xmlCurlUrl: string;
  /** CA certificate for mod_curl. */
  readonly ca: string;
}): Promise<BenchFreeSwitch> {
  const ports = await reservePortBlock();
  const root = await mkdtemp(join(tmpdir(), 'dialhook-freeswitch-'));
  await makeFolders(root);
  const values: Readonly<Record<string, unknown>> = { ...ports, ...settings };
  const template = await readFile(join(import.meta.dirname, 'freeswitch.xml'), 'utf8');
  const filled = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name]));
  await writeFile(join(root, 'conf', 'freeswitch.xml'), filled);
  await copyFile(settings.ca, join(root, 'certs', 'cacert.pem'));
  const child = new FreeSwitchProcess(root);
  const at = { host: '127.0.0.1', port: ports.eventSocket, password: PASSWORD };
  let socket: EventSocket | undefined;
  for (const end = Date.now() + START_MS; Date.now() < end && child.running; await sleep(POLL_MS)) {
    socket ??= await EventSocket.open(at, 'BACKGROUND_JOB', () => {}).catch(() => undefined);
    if (socket && /profile\b.*RUNNING/.test(await socket.api('sofia status'))) break;
  }
  const stop = async () => {
    socket?.close();
    await child.stop();
    ports.release();
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  };
  if (!socket || !child.running) {
    await stop();
    throw new Error(`freeswitch did not start:\n${child.tail()}`);
  }
  const pid = child.pid ?? 0;
  return { sipPort: ports.internal, eventPort: ports.eventSocket, pid, api: socket.api.bind(socket), stop };
}
