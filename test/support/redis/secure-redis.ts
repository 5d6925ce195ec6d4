import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { freePort } from '#deploy/local/servers.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';

const EXAMPLE = join(import.meta.dirname, '../../../deploy/redis/users.acl');
const PASSWORD = 'p@ss/w:rd';

export interface SecureRedis extends AsyncDisposable {
  readonly port: number;
  readonly ca: string;
  /** As the notifier is told of it. */
  readonly env: { readonly REDIS_URL: string; readonly REDIS_TLS_CA_FILE: string };
  /** Who may do everything, to look at what has been refused. */
  admin(): Redis;
  as(user: string, password: string): Redis;
}

/** redis-server that speaks TLS only, with the users of deploy/redis/users.acl and one for the test. */
export async function startSecureRedis(): Promise<SecureRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-secure-redis-'));
  const { key, cert } = selfSigned('IP:127.0.0.1');
  const acl = (await readFile(EXAMPLE, 'utf8')).replace('CHANGE-ME', PASSWORD);
  const [certFile, keyFile, aclFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'users.acl')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  await writeFile(aclFile, `${acl.trim()}\nuser admin on >admin ~* &* +@all\n`);
  const port = await freePort();
  const settings = {
    port: '0',
    'tls-port': String(port),
    bind: '127.0.0.1',
    'tls-cert-file': certFile,
    'tls-key-file': keyFile,
    'tls-auth-clients': 'no',
    aclfile: aclFile,
    dir,
    save: '',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(server.stdout)) if (line.includes('Ready to accept')) break;
  server.stdout.resume();
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
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
