import { lookup } from 'node:dns/promises';
import { type BlockList, connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { CallError, type Stage } from './failure.ts';

/** Lookups run on a few threads of libuv's and cannot be cancelled: what waits for one is bounded. */
const MAX_LOOKUPS = 1024;
const TCP_KEEP_ALIVE_MS = 30_000;

export interface ConnectOptions {
  /** Made once: making one for each connection costs 0.2 ms, in which no timer fires. */
  readonly tls: SecureContext;
  /** Addresses that are never connected to, whatever name leads there. */
  readonly refused: BlockList;
}

type Addresses = Awaited<ReturnType<typeof lookupAll>>;
const lookupAll = (hostname: string) => lookup(hostname, { all: true });
const lookups = new Map<string, Promise<Addresses>>();

/** One lookup for all who ask for a name at the same time, so that a name nobody answers for takes one thread. */
function sharedLookup(hostname: string): Promise<Addresses> {
  const running = lookups.get(hostname);
  if (running) return running;
  if (lookups.size >= MAX_LOOKUPS)
    return Promise.reject(new CallError('connection_failed', 'too many names are being looked up already'));
  const started = lookupAll(hostname).finally(() => lookups.delete(hostname));
  lookups.set(hostname, started);
  return started;
}

const isRefused = (refused: BlockList, address: string): boolean =>
  refused.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const refusedAddress = () =>
  new CallError('refused_url', 'it is at an address that must not be called (ENDPOINT_REFUSED_NETWORKS)');

async function allowedAddresses(hostname: string, refused: BlockList): Promise<Addresses> {
  const found = await sharedLookup(hostname);
  const allowed = found.filter(({ address }) => !isRefused(refused, address));
  if (allowed.length === 0) throw refusedAddress();
  return allowed;
}

/**
 * Opens a TCP or TLS connection to an origin and reports how far it has come. It has no timeout of its own: `over` ends
 * it, in whatever stage. The socket keeps an `error` listener.
 */
export function openSocket(
  origin: string,
  options: ConnectOptions,
  over: AbortSignal,
  at: (stage: Stage) => void,
): Promise<Socket> {
  const url = new URL(origin);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const literal = isIP(host) !== 0;
  if (literal && isRefused(options.refused, host)) return Promise.reject(refusedAddress());
  at(literal ? 'tcp' : 'lookup');
  const lookupAllowed: LookupFunction = (hostname, { all }, callback) => {
    allowedAddresses(hostname, options.refused)
      .then((addresses) => {
        at('tcp');
        const [first] = addresses;
        if (all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family);
      })
      .catch((error: Error) => callback(error, ''));
  };
  return new Promise((resolve, reject) => {
    const to = {
      host,
      port: Number(url.port) || (secure ? 443 : 80),
      lookup: lookupAllowed,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    };
    const socket = secure
      ? connectTls({
          ...to,
          ...(literal ? {} : { servername: host }),
          secureContext: options.tls,
          ALPNProtocols: ['http/1.1'],
        })
      : connect(to);
    const stop = () => socket.destroy(over.reason as Error);
    socket.once('connect', () => {
      if (secure) at('tls');
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      over.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.on('error', (error) => {
      over.removeEventListener('abort', stop);
      reject(error);
    });
    over.addEventListener('abort', stop, { once: true });
  });
}
