import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type NatsServer, startNats } from './nats.ts';

const EXAMPLE = join(import.meta.dirname, '../../../deploy/nats/nats.conf');

export const PASSWORDS = {
  agent: 'agents-password',
  router: 'routers-password',
  notifier: 'notifiers-password',
  console: 'consoles-password',
  setup: 'setups-password',
};

export interface SecureNats extends AsyncDisposable {
  readonly server: NatsServer;
  readonly url: string;
  readonly caFile: string;
  /** The login of a service as environment variables. */
  env(service: keyof typeof PASSWORDS): Record<string, string>;
  config(service: keyof typeof PASSWORDS): NatsLogin;
}

export interface NatsLogin {
  readonly NATS_URL: string;
  readonly NATS_USER: string;
  readonly NATS_PASSWORD: string;
  readonly NATS_TLS_CA_FILE: string;
}

/** A self-signed certificate for 127.0.0.1. */
function certificate(dir: string): { cert: string; key: string } {
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=nats`;
  const args = [...words.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { cert, key };
}

const run = promisify(execFile);

/** nats-server with deploy/nats/nats.conf and its streams; only file paths are replaced, and what `change` edits. */
export async function startSecureNats(change = (text: string): string => text): Promise<SecureNats> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-secure-nats-'));
  const { cert, key } = certificate(dir);
  const text = (await readFile(EXAMPLE, 'utf8'))
    .replaceAll('/var/lib/nats', join(dir, 'store'))
    .replaceAll('/etc/nats/tls/ca.pem', cert)
    .replaceAll('/etc/nats/tls/cert.pem', cert)
    .replaceAll('/etc/nats/tls/key.pem', key);
  const config = join(dir, 'nats.conf');
  await writeFile(config, change(text));
  const env = Object.fromEntries(
    Object.entries(PASSWORDS).map(([user, password]) => [
      `DIALHOOK_${user.toUpperCase()}_PASSWORD`,
      password,
    ]),
  );
  const server = await startNats({ config, env });
  const url = `tls://127.0.0.1:${server.port}`;
  const login = (user: keyof typeof PASSWORDS): NatsLogin => ({
    NATS_URL: url,
    NATS_USER: user,
    NATS_PASSWORD: PASSWORDS[user],
    NATS_TLS_CA_FILE: cert,
  });
  const makeStreams = join(import.meta.dirname, '../../../deploy/nats/make-streams.ts');
  await run(process.execPath, [makeStreams], { env: { ...process.env, ...login('setup') } });
  return {
    server,
    url,
    caFile: cert,
    env: (service) => ({ ...login(service) }),
    config: login,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
