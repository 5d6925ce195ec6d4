import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
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

/** For a server with an IP address the NATS client expects a certificate for `localhost`; this expects the address. */
const serverIdentity =
  (addresses: readonly string[]) =>
  (name: string, certificate: PeerCertificate): Error | undefined => {
    const names = name === 'localhost' && addresses.length > 0 ? addresses : [name];
    const errors = names.map((one) => checkServerIdentity(one, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };

/**
 * Translates the settings into options of the NATS client, which treats `tls://` like `nats://` and reads only host and
 * port from a URL.
 */
export function connectionOptions(
  config: Pick<NatsConfig, 'NATS_URL'> & Partial<NatsConfig>,
): ConnectionOptions {
  const urls = splitUrls(config.NATS_URL);
  const authenticator = authenticatorOf(
    config,
    urls.find(({ username }) => username !== ''),
  );
  const { NATS_TLS_CA_FILE: caFile, NATS_TLS_CERT_FILE: certFile, NATS_TLS_KEY_FILE: keyFile } = config;
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  const secure = Object.keys(files).length > 0 || urls.some(({ protocol }) => protocol === 'tls:');
  const addresses = urls
    .map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''))
    .filter((hostname) => isIP(hostname) !== 0);
  const tls = { ...files, checkServerIdentity: serverIdentity(addresses) };
  return {
    servers: urls.map(({ host }) => host),
    ...(authenticator === undefined ? {} : { authenticator }),
    // The client then refuses a server without TLS before it sends credentials.
    ...(secure ? { tls } : {}),
  };
}
