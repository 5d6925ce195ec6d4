import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { HostFacts, SocketHost } from './host.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

const TIMEOUT_MS = 3_000;

async function isThisHost(host: string): Promise<boolean> {
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  );
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.some(({ address }) => own.has(address) || address.startsWith('127.'));
}

async function connectError(host: string, port: number): Promise<string | undefined> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return undefined;
  } catch (error) {
    const { name, message } = error as Error;
    return name === 'AbortError' ? `no answer within ${TIMEOUT_MS} ms` : message;
  } finally {
    socket.destroy();
  }
}

const sysctl = (name: string): Promise<number | undefined> =>
  readFile(`/proc/sys/net/ipv4/${name}`, 'utf8').then(
    (text) => Number(text),
    () => undefined,
  );

async function socketHost({ host, port }: SocketAddress): Promise<SocketHost> {
  const [isLocal, problem] = await Promise.all([isThisHost(host), connectError(host, port)]);
  const address = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { address, isLocal, ...(problem === undefined ? {} : { connectError: problem }) };
}

export async function hostFacts(
  freeswitchHost: string,
  sockets: readonly SocketAddress[],
): Promise<HostFacts> {
  const [besideFreeSwitch, synRetries, keepaliveTime, ...hosts] = await Promise.all([
    isThisHost(freeswitchHost),
    sysctl('tcp_syn_retries'),
    sysctl('tcp_keepalive_time'),
    ...sockets.map(socketHost),
  ]);
  return { besideFreeSwitch, synRetries, keepaliveTime, sockets: hosts };
}
