import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Configuration, writeConfiguration } from './configuration.ts';
import { type Event, EventSocket } from './event-socket.ts';
import { type Ports, reservePorts } from './ports.ts';
import { FreeSwitchProcess, makeFolders } from './process.ts';

const START_MS = 30_000;
const POLL_MS = 50;
const PROFILES = 2;
const FIXED = { domain: '127.0.0.1', password: 'everything', user: 'agent', userPassword: 'events-only' };
const EVENTS = 'CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE';

/** One FreeSWITCH that runs and whose events are heard. */
export interface Running {
  readonly domain: string;
  /** Where it takes calls and registrations. */
  readonly sipPort: number;
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  readonly user: { readonly name: string; readonly password: string };
  api(command: string): Promise<string>;
  stop(): Promise<void>;
}

/** Configures and starts a FreeSWITCH in a temporary folder; resolves when it takes calls. */
export async function freeSwitch(
  outside: Pick<Configuration, 'gw' | 'gw2' | 'ip' | 'logLevel'>,
  onEvent: (event: Event) => void,
): Promise<Running> {
  const ports = await reservePorts();
  const root = await mkdtemp(join(tmpdir(), 'dialhook-freeswitch-'));
  await makeFolders(root);
  await writeConfiguration(join(root, 'conf'), { ...FIXED, ...outside, ...inConfiguration(ports) });
  const child = new FreeSwitchProcess(root);
  const eventSocket = { host: '127.0.0.1', port: ports.eventSocket, password: FIXED.password };
  const stop = async () => {
    await child.stop();
    ports.release();
  };
  try {
    const socket = await ready(child, eventSocket, onEvent);
    return {
      domain: FIXED.domain,
      sipPort: ports.internal,
      eventSocket,
      user: { name: FIXED.user, password: FIXED.userPassword },
      api: (command) => socket.api(command),
      stop: async () => {
        socket.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const inConfiguration = (ports: Ports) => ({
  eventSocketPort: ports.eventSocket,
  internalPort: ports.internal,
  externalPort: ports.external,
  rtpFirst: ports.rtpFirst,
  rtpLast: ports.rtpLast,
});

async function ready(
  child: FreeSwitchProcess,
  at: Running['eventSocket'],
  onEvent: (event: Event) => void,
): Promise<EventSocket> {
  const end = Date.now() + START_MS;
  let socket: EventSocket | undefined;
  for (; Date.now() < end && child.running; await sleep(POLL_MS)) {
    socket ??= await EventSocket.open(at, EVENTS, onEvent).catch(() => undefined);
    if (socket === undefined || !(await socket.api('status')).includes('is ready')) continue;
    const profiles = await socket.api('sofia status');
    if (profiles.match(/profile\b.*RUNNING/g)?.length === PROFILES) return socket;
  }
  socket?.close();
  throw new Error(`freeswitch did not start:\n${child.tail()}`);
}
