import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '#test/support/ports.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { startRedis } from './redis.ts';

const EXAMPLE = join(import.meta.dirname, '../../../deploy/redis/users.acl');
const PASSWORD = 'p@ss/w:rd';

export interface SecureRedis extends AsyncDisposable {
  readonly port: number;
  readonly ca: string;
  /** The notifier's settings for it. */
  readonly env: { readonly REDIS_URL: string; readonly REDIS_TLS_CA_FILE: string };
  /** A user with every permission. */
  admin(): Redis;
  as(user: string, password: string): Redis;
}

/** redis-server with TLS only, the users of deploy/redis/users.acl and a user `admin`. */
export async function startSecureRedis(): Promise<SecureRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-secure-redis-'));
  const { key, cert } = selfSigned('IP:127.0.0.1');
  const acl = (await readFile(EXAMPLE, 'utf8')).replace('CHANGE-ME', PASSWORD);
  const [certFile, keyFile, aclFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'users.acl')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  await writeFile(aclFile, `${acl.trim()}\nuser admin on >admin ~* &* +@all\n`);
  const port = await freePort();
  const server = await startRedis({
    settings: {
      'tls-port': String(port),
      'tls-cert-file': certFile,
      'tls-key-file': keyFile,
      'tls-auth-clients': 'no',
      aclfile: aclFile,
    },
  });
  const clients: Redis[] = [];
  const as = (username: string, password: string): Redis => {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      username,
      password,
      tls: { ca: cert },
      retryStrategy: () => null,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  return {
    port,
    ca: cert,
    env: {
      REDIS_URL: `rediss://dialhook:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
      REDIS_TLS_CA_FILE: certFile,
    },
    admin: () => as('admin', 'admin'),
    as,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.disconnect();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
