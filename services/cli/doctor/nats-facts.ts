import { setTimeout as pause } from 'node:timers/promises';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { connectionOptions } from '#libs/bus/access.ts';
import { isNotPermitted } from '#libs/bus/streams.ts';
import type { NatsConfig } from '#libs/config/settings.ts';
import { type NatsFacts, PING_WAIT_MS, STREAMS, type StreamAnswer } from './nats.ts';

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

async function streamAnswer(manager: JetStreamManager, name: string): Promise<StreamAnswer> {
  try {
    const { config, cluster } = await manager.streams.info(name);
    const behind = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline);
    // A server without a cluster reports no leader.
    const leader = cluster === undefined || !cluster.name ? (cluster?.leader ?? '') : cluster.leader;
    return { replicas: config.num_replicas, leader, behind: behind.map((one) => one.name) };
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

/** `service`: the one whose NATS user the settings have; a user may receive replies at its own inbox only. */
export async function natsFacts(
  config: NatsConfig,
  service: string,
  wanted: Readonly<Record<string, number>>,
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
    const pinged = await pinging;
    await silent?.close();
    return { version, cluster, announced: Math.max(urls.length, 1), rttMs, ...jetstream, wanted, pinged };
  } catch (error) {
    return { ...NO_FACTS, connectError: (error as Error).message };
  } finally {
    await nats.close().catch(() => {});
  }
}
