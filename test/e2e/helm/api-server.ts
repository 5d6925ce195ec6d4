import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_SERVER } from '#test/e2e/helm/kubernetes/build.ts';
import { freePort } from '#test/support/ports.ts';
import { onPath } from './cache.ts';

const START_DEADLINE_MS = 45_000;

const apiserver =
  process.env['KUBE_APISERVER'] ??
  onPath('kube-apiserver') ??
  (existsSync(API_SERVER) ? API_SERVER : undefined);
const etcd = process.env['ETCD'] ?? onPath('etcd');

/** Why there can be no API server here; undefined when there can. */
export const missing: string | undefined =
  apiserver === undefined
    ? 'no kube-apiserver on the PATH or in KUBE_APISERVER; `node test/e2e/helm/kubernetes/build.ts` builds one'
    : etcd === undefined
      ? 'no etcd on the PATH or in ETCD; Debian has it in etcd-server'
      : undefined;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await once(child, 'exit');
  clearTimeout(timer);
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: an object of Kubernetes, or its Status
  readonly body: any;
}

/** A real API server with its etcd: plain processes on loopback, without nodes, controllers or a scheduler. */
export class ApiServer {
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #token = randomBytes(16).toString('hex');
  readonly #children: ChildProcess[] = [];
  #log = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.kubeconfig = join(folder, 'kubeconfig');
  }

  static async start(): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), 'dialhook-api-server-'));
    const [port, client, peer] = await Promise.all([freePort(), freePort(), freePort()]);
    const server = new ApiServer(folder, port);
    try {
      server.#write();
      server.#spawn(etcd, [
        ...['--data-dir', join(folder, 'etcd'), '--log-level', 'error', '--unsafe-no-fsync'],
        ...[
          `--listen-client-urls=http://127.0.0.1:${client}`,
          `--advertise-client-urls=http://127.0.0.1:${client}`,
        ],
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
      ]);
      server.#spawn(apiserver, [
        `--etcd-servers=http://127.0.0.1:${client}`,
        ...['--bind-address=127.0.0.1', `--secure-port=${port}`, '--endpoint-reconciler-type=none'],
        ...['--service-cluster-ip-range=10.96.0.0/16', '--authorization-mode=RBAC'],
        ...[`--cert-dir=${folder}`, `--token-auth-file=${join(folder, 'tokens.csv')}`],
        `--service-account-key-file=${join(folder, 'key.pem')}`,
        `--service-account-signing-key-file=${join(folder, 'key.pem')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
      ]);
      await server.#ready();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** One request to its API. */
  async call(method: string, path: string, object?: object): Promise<Answer> {
    const outgoing = request({
      ...{ host: '127.0.0.1', port: this.#port, method, path, rejectUnauthorized: false },
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
    });
    outgoing.end(object === undefined ? undefined : JSON.stringify(object));
    const [response] = await once(outgoing, 'response');
    const body = await text(response);
    const json = String(response.headers['content-type']).includes('json');
    return { status: response.statusCode, body: json ? JSON.parse(body) : body };
  }

  /** Every object of a namespace, `KIND NAME`, in order. */
  async objects(namespace: string): Promise<string[]> {
    const { groups } = (await this.call('GET', '/apis')).body as {
      groups: { preferredVersion: { groupVersion: string } }[];
    };
    const bases = ['/api/v1', ...groups.map(({ preferredVersion: one }) => `/apis/${one.groupVersion}`)];
    const found = await Promise.all(
      bases.map(async (base) => {
        const { resources } = (await this.call('GET', base)).body as {
          resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
        };
        const lists = resources.filter(
          ({ name, namespaced, verbs }) => namespaced && verbs.includes('list') && !/^events$/.test(name),
        );
        return Promise.all(
          lists.map(async ({ name, kind }) => {
            const { body } = await this.call('GET', `${base}/namespaces/${namespace}/${name}`);
            return (body.items as { metadata: { name: string } }[]).map(
              (one) => `${kind} ${one.metadata.name}`,
            );
          }),
        );
      }),
    );
    return found.flat(2).sort();
  }

  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) await end(child);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(): void {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(this.#folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(this.#folder, 'tokens.csv'), `${this.#token},admin,admin,system:masters\n`);
    writeFileSync(
      this.kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name: 'test',
            cluster: { server: `https://127.0.0.1:${this.#port}`, 'insecure-skip-tls-verify': true },
          },
        ],
        users: [{ name: 'admin', user: { token: this.#token } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
        'current-context': 'test',
      }),
    );
  }

  #spawn(path: string | undefined, args: readonly string[]): void {
    const child = spawn(path ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#folder });
    child.on('error', (error) => {
      this.#log += error.message;
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.#log = (this.#log + data.toString('utf8')).slice(-4_000);
      });
    this.#children.push(child);
  }

  async #ready(): Promise<void> {
    for (const deadline = Date.now() + START_DEADLINE_MS; Date.now() < deadline; await sleep(100)) {
      const answer = await this.call('GET', '/readyz').catch(() => undefined);
      if (answer?.status === 200) return;
      if (this.#children.some(({ exitCode }) => exitCode !== null)) break;
    }
    throw new Error(`the API server did not start:\n${this.#log}`);
  }
}
