import { readFileSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { splitUrls } from '#libs/config/server-urls.ts';
import type { NatsConfig } from '#libs/config/settings.ts';

function authenticatorOf(config: Partial<NatsConfig>, first: URL | undefined): Authenticator | undefined {
  const { NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_NKEY_SEED, NATS_CREDS_FILE } = config;
  if (NATS_CREDS_FILE !== undefined) return credsAuthenticator(() => readFileSync(NATS_CREDS_FILE));
  if (NATS_NKEY_SEED !== undefined) return nkeyAuthenticator(new TextEncoder().encode(NATS_NKEY_SEED));
  if (NATS_TOKEN !== undefined) return tokenAuthenticator(NATS_TOKEN);
  if (NATS_USER !== undefined) return usernamePasswordAuthenticator(NATS_USER, NATS_PASSWORD);
  if (!first || first.username === '') return undefined;
  if (first.password === '') return tokenAuthenticator(decodeURIComponent(first.username));
  return usernamePasswordAuthenticator(
    decodeURIComponent(first.username),
    decodeURIComponent(first.password),
  );
}

/** The state of the connection that the options read. */
export interface ConnectionState {
  /** Hosts of the servers that the cluster has announced, without port. */
  readonly announced: ReadonlySet<string>;
  /** Called when a server presents a certificate for none of the expected names. */
  readonly onRefused: (error: Error) => void;
}

const NO_STATE: ConnectionState = { announced: new Set(), onRefused: () => {} };

/**
 * Checks a server certificate against the names in NATS_URL and the announced names and addresses. For a server with an
 * IP address the client knows no name and passes `localhost`.
 */
const serverIdentity =
  (given: readonly string[], { announced, onRefused }: ConnectionState) =>
  (name: string, certificate: PeerCertificate): Error | undefined => {
    const names = [...(name === 'localhost' ? given : [name]), ...announced];
    const errors = names.map((one) => checkServerIdentity(one, certificate));
    if (errors.includes(undefined)) return undefined;
    const shown = certificate.subjectaltname ?? `CN=${certificate.subject.CN}`;
    onRefused(new Error(`the certificate is for ${shown}, none of ${names.join(', ')}`));
    return errors[0];
  };

/**
 * Translates the settings into options of the NATS client, which treats `tls://` like `nats://` and reads only host and
 * port from a URL.
 *
 * Each connection reads the files again, synchronously: while the client reads `caFile` itself, its socket has no error
 * listener, so that a server that resets the connection ends the process.
 */
export function connectionOptions(
  config: Pick<NatsConfig, 'NATS_URL'> & Partial<NatsConfig>,
  state = NO_STATE,
): ConnectionOptions {
  const urls = splitUrls(config.NATS_URL);
  const authenticator = authenticatorOf(
    config,
    urls.find(({ username }) => username !== ''),
  );
  const { NATS_TLS_CA_FILE: ca, NATS_TLS_CERT_FILE: cert, NATS_TLS_KEY_FILE: key } = config;
  const files = Object.entries({ ca, cert, key }).filter(([, path]) => path !== undefined);
  const handshakeFirst = config.NATS_TLS_HANDSHAKE_FIRST === 'on';
  const secure = handshakeFirst || files.length > 0 || urls.some(({ protocol }) => protocol === 'tls:');
  const hosts = urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''));
  const tls = { handshakeFirst, checkServerIdentity: serverIdentity(hosts, state) };
  for (const [option, path = ''] of files)
    Object.defineProperty(tls, option, { enumerable: true, get: () => readFileSync(path, 'utf8') });
  return {
    servers: urls.map(({ host }) => host),
    ...(authenticator === undefined ? {} : { authenticator }),
    // The client then refuses a server without TLS before it sends credentials.
    ...(secure ? { tls } : {}),
  };
}
