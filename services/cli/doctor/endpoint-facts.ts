import { once } from 'node:events';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { AddressFilter, type AddressRules } from '#libs/http/address-rules.ts';
import { type Address, allowedAddresses, systemLookup } from '#libs/http/connect.ts';
import { HttpError } from '#libs/http/failure.ts';
import { portOf, publicUrl } from '#libs/net/url.ts';
import type { Certificate, EndpointFacts } from './endpoint.ts';

export interface EndpointAccess extends AddressRules {
  readonly tls?: ConnectionOptions;
}

const TIMEOUT_MS = 5_000;
const DAY_MS = 86_400_000;

function certificateOf(socket: TLSSocket, now: number): Certificate {
  const { valid_to: until } = socket.getPeerCertificate();
  const daysLeft = Math.floor((Date.parse(until) - now) / DAY_MS);
  const problem = socket.authorized ? undefined : String(socket.authorizationError);
  return { daysLeft, problem };
}

const messageOf = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : (error as Error).message;

/** Connects, with TLS for https, and closes the connection. Sends no request. */
async function connectTo(url: URL, addresses: readonly Address[], tls: ConnectionOptions, now: number) {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const resolved: LookupFunction = (_, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
  const to = { host, port: portOf(url), lookup: resolved };
  const started = performance.now();
  const socket: Socket = secure
    ? // The facts say whether the certificate is trusted.
      connectTls({
        ...tls,
        ...to,
        rejectUnauthorized: false,
        ...(isIP(host) ? {} : { servername: host }),
      })
    : connectTcp(to);
  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const connectMs = Math.round(performance.now() - started);
    return secure ? { connectMs, certificate: certificateOf(socket as TLSSocket, now) } : { connectMs };
  } catch (error) {
    const isLate = (error as Error).name === 'AbortError';
    return { connectError: isLate ? `no connection within ${TIMEOUT_MS} ms` : messageOf(error) };
  } finally {
    socket.destroy();
  }
}

/** Resolves an endpoint and connects to it by the address rules and with the certificates of the router. */
export async function endpointFacts(
  text: string,
  access: EndpointAccess,
  now: number,
): Promise<EndpointFacts> {
  const url = publicUrl(text);
  const parsed = new URL(text);
  const rules = new AddressFilter(access);
  const refusal = rules.urlRefusal(text);
  if (refusal !== undefined) return { url, refusal };
  const started = performance.now();
  let addresses: Address[];
  try {
    const hostname = parsed.hostname.replace(/^\[|\]$/g, '');
    addresses = await allowedAddresses(hostname, { lookup: systemLookup, rules });
  } catch (error) {
    const { message } = error as Error;
    return error instanceof HttpError && error.result === 'refused_url'
      ? { url, refusal: message }
      : { url, dnsError: message };
  }
  const dnsMs = Math.round(performance.now() - started);
  const connected = await connectTo(parsed, addresses, { ...access.tls }, now);
  return { url, addresses: addresses.map(({ address }) => address), dnsMs, ...connected };
}
