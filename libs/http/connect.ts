import { lookup } from 'node:dns/promises';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Phase } from '#libs/contract/phases.ts';
import type { LruMap } from '#libs/lru/lru-map.ts';
import { portOf } from '#libs/net/url.ts';
import type { AddressFilter } from './address-rules.ts';
import { HttpError } from './failure.ts';

/** Lookups run on libuv's four threads and cannot be cancelled, so the queue for them is bounded. */
const MAX_LOOKUPS = 1024;
const TCP_KEEP_ALIVE_MS = 30_000;

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Resolves a host name to all its addresses. */
export type Lookup = (hostname: string) => Promise<Address[]>;

export interface ConnectOptions {
  /** Shared, because creating one for each connection blocks the event loop for 0.2 ms. */
  readonly tls: SecureContext;
  /**
   * The last TLS session of each origin. A new connection that resumes it skips sending and verifying the certificate,
   * which is most of the work of a handshake on both sides.
   */
  readonly sessions: LruMap<string, Buffer>;
  readonly rules: AddressFilter;
  readonly lookup: Lookup;
}

/** Shares one lookup among concurrent requests for the same name, so that a name that does not resolve blocks one thread. */
export function sharedLookup(lookupOne: Lookup): Lookup {
  const running = new Map<string, Promise<Address[]>>();
  return (hostname) => {
    const known = running.get(hostname);
    if (known) return known;
    if (running.size >= MAX_LOOKUPS)
      return Promise.reject(
        new HttpError('connection_failed', `${MAX_LOOKUPS} DNS lookups are in progress, the most allowed`),
      );
    const started = lookupOne(hostname).finally(() => running.delete(hostname));
    running.set(hostname, started);
    return started;
  };
}

/** The resolver of the operating system. */
export const systemLookup: Lookup = sharedLookup((hostname) => lookup(hostname, { all: true }));

const refused = (reason: string): HttpError => new HttpError('refused_url', reason);

/**
 * Resolves a host name to the addresses that the rules allow, at least one.
 * @throws {HttpError} `refused_url` or `connection_failed`. @throws what `lookup` does.
 */
export async function allowedAddresses(
  hostname: string,
  { lookup: find, rules }: Pick<ConnectOptions, 'lookup' | 'rules'>,
): Promise<Address[]> {
  const found = await find(hostname);
  const allowed = found.filter(({ address }) => rules.addressRefusal(address) === undefined);
  if (allowed.length > 0) return allowed;
  const why = found.map(({ address }) => rules.addressRefusal(address))[0];
  throw why === undefined
    ? new HttpError('connection_failed', 'the host name does not resolve')
    : refused(why);
}

/**
 * Opens a TCP or TLS connection to an origin that the rules allow, and calls `enter` at the start of each phase. It has
 * no timeout of its own: `signal` ends it in any phase. The socket keeps an `error` listener.
 */
export function openSocket(
  origin: string,
  options: ConnectOptions,
  signal: AbortSignal,
  enter: (phase: Phase) => void,
): Promise<Socket> {
  const url = new URL(origin);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const literal = isIP(host) !== 0;
  const refusal = options.rules.originRefusal(origin) ?? options.rules.addressRefusal(literal ? host : '');
  if (refusal !== undefined) return Promise.reject(refused(refusal));
  enter(literal ? 'connect' : 'dns');
  const lookupAllowed: LookupFunction = (hostname, { all }, callback) => {
    allowedAddresses(hostname, options)
      .then((addresses) => {
        enter('connect');
        const [first] = addresses;
        if (all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family);
      })
      .catch((error: Error) => callback(error, ''));
  };
  return new Promise((resolve, reject) => {
    const to = {
      host,
      port: portOf(url),
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
          session: options.sessions.get(origin),
          // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot disable it.
          rejectUnauthorized: true,
          ALPNProtocols: ['http/1.1'],
        })
      : connect(to);
    const stop = () => socket.destroy(signal.reason as Error);
    socket.once('connect', () => {
      if (secure) enter('tls');
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.on('session', (session: Buffer) => options.sessions.set(origin, session));
    socket.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
