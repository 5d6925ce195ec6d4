import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { connect, headers, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { connectionOptions } from '#libs/bus/access.ts';
import { placeSubject } from '#libs/bus/limit-stream.ts';
import { liveCallSubject } from '#libs/bus/live-call-stream.ts';
import { progressSubject } from '#libs/bus/progress.ts';
import { isNotPermitted } from '#libs/bus/streams.ts';
import type { NatsConfig } from '#libs/config/settings.ts';
import { type Abandon, BUS } from '#libs/contract/messages.ts';
import { type NatsFacts, PING_WAIT_MS, STREAMS, type StreamAnswer, type StreamFacts } from './nats.ts';

const TIMEOUT_MS = 3_000;
/** The server pings each new client once within this time, whatever its interval. */
const FIRST_PING_MS = 3_000;
const NO_FACTS: NatsFacts = {
  version: '',
  cluster: undefined,
  announced: 0,
  rttMs: 0,
  jetstreamError: undefined,
  streams: {},
  wanted: {},
  refused: undefined,
  pinged: undefined,
};

/** Counts pings of the server. The client answers them without a word. */
function countPings(nats: NatsConnection): () => number {
  const { protocol } = nats as { protocol?: { processPing?: () => void } };
  let pings = 0;
  const answer = protocol?.processPing?.bind(protocol);
  if (protocol && answer)
    protocol.processPing = () => {
      pings++;
      answer();
    };
  return () => pings;
}

/** The server pings a silent client only, so this sends nothing. */
async function isPinged(nats: NatsConnection, pings: () => number): Promise<boolean> {
  const wait = (ms: number) => Promise.race([pause(ms, undefined, { ref: false }), nats.closed()]);
  await wait(FIRST_PING_MS);
  const before = pings();
  await wait(PING_WAIT_MS);
  return pings() > before;
}

/** A server without a cluster leads its streams: NATS 2.9 names no leader then, NATS 2.15 the id of the server. */
export function streamFacts({ config, cluster }: Pick<StreamInfo, 'config' | 'cluster'>): StreamFacts {
  const behind = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline);
  const leader = cluster?.name ? cluster.leader : '';
  return { replicas: config.num_replicas, leader, behind: behind.map(({ name }) => name) };
}

async function streamAnswer(manager: JetStreamManager, name: string): Promise<StreamAnswer> {
  try {
    return streamFacts(await manager.streams.info(name));
  } catch (error) {
    if (isNotPermitted(error)) return { problem: 'denied' };
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return { problem: 'missing' };
    return { problem: (error as Error).message };
  }
}

async function jetstreamFacts(nats: NatsConnection, domain: string | undefined) {
  const streams: Record<string, StreamAnswer> = {};
  try {
    const options = { timeout: TIMEOUT_MS, ...(domain === undefined ? {} : { domain }) };
    const manager = await jetstreamManager(nats, options);
    for (const name of Object.keys(STREAMS)) streams[name] = await streamAnswer(manager, name);
    return { jetstreamError: undefined, streams };
  } catch (error) {
    return { jetstreamError: (error as Error).message, streams };
  }
}

/**
 * Tries to publish as an agent does, without an effect: JetStream refuses a message that expects another stream, and no
 * router has a request of a random uuid to abandon. `dialhook.decide` is not tried: a router would process the message.
 * @returns the subjects that the server refuses
 */
async function refusedSubjects(nats: NatsConnection, node: string): Promise<string[]> {
  const refused = new Set<string>();
  const reading = (async () => {
    for await (const status of nats.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        refused.add(status.error.subject);
  })();
  const uuid = randomUUID();
  const unlike = headers();
  unlike.set('Nats-Expected-Stream', 'DIALHOOK_DOCTOR');
  const stored = [
    progressSubject(uuid, node),
    liveCallSubject(node, uuid),
    placeSubject({ limit: 'id:doctor', node, owner: uuid, n: '0' }),
  ];
  for (const subject of stored) nats.publish(subject, undefined, { headers: unlike });
  const abandon: Abandon = { v: 1, uuid };
  nats.publish(BUS.abandon, JSON.stringify(abandon));
  // The server answers a flush after its errors about the messages before. Closing ends the loop.
  await nats.flush();
  await nats.close();
  await reading;
  return [...refused];
}

/** `service`: the one whose NATS user the settings have; a user may receive replies at its own inbox only. `node`: a part of its subjects. */
export async function natsFacts(
  config: NatsConfig,
  service: string,
  wanted: Readonly<Record<string, number>>,
  node: string,
): Promise<NatsFacts> {
  const open = () =>
    connect({
      ...connectionOptions(config),
      name: 'dialhook-doctor',
      inboxPrefix: `_INBOX.dialhook-${service}`,
      timeout: TIMEOUT_MS,
      reconnect: false,
    });
  let nats: NatsConnection;
  try {
    nats = await open();
  } catch (error) {
    return { ...NO_FACTS, connectError: (error as Error).message };
  }
  try {
    const { version = '', cluster, connect_urls: urls = [] } = nats.info ?? {};
    const rttMs = await nats.rtt();
    const silent = cluster === undefined ? undefined : await open();
    const pinging = silent && isPinged(silent, countPings(silent));
    const jetstream = await jetstreamFacts(nats, config.NATS_JETSTREAM_DOMAIN);
    const refused = service === 'agent' ? await refusedSubjects(await open(), node) : undefined;
    const pinged = await pinging;
    await silent?.close();
    return {
      version,
      cluster,
      announced: Math.max(urls.length, 1),
      rttMs,
      ...jetstream,
      wanted,
      refused,
      pinged,
    };
  } catch (error) {
    return { ...NO_FACTS, connectError: (error as Error).message };
  } finally {
    await nats.close().catch(() => {});
  }
}
