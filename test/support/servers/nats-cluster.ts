import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { freePort } from '#test/support/ports.ts';
import { selfSigned } from '#test/support/router/endpoints.ts';
import { until } from '#test/support/until.ts';

export interface ClusterNode {
  readonly host: string;
  /** nats:// or tls:// and address. */
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Sends SIGSTOP: connections stay open and get no response. */
  pause(): void;
  resume(): void;
}

export interface NatsCluster extends AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  /** The URLs of all nodes, separated by commas. */
  readonly url: string;
  /** PEM file with the certificate of each node. */
  readonly caFile: string;
}

export interface NatsClusterOptions {
  readonly jetstream?: boolean;
  /** ping_interval of every server. Default: that of nats-server. */
  readonly pingInterval?: string;
  /** Subject of the certificate of each node by its address, for example `IP:127.0.0.1`. Default: no TLS. */
  readonly certificate?: (host: string) => string;
}

/** Starts a NATS cluster of three servers on 127.0.0.1, 127.0.0.2 and 127.0.0.3. */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const { jetstream = false, pingInterval, certificate } = options;
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-nats-cluster-'));
  const caFile = join(dir, 'ca.pem');
  const members: { host: string; port: number; route: number }[] = [];
  for (const index of [1, 2, 3])
    members.push({ host: `127.0.0.${index}`, port: await freePort(), route: await freePort() });
  const authorities: string[] = [];
  const nodes = await Promise.all(
    members.map(async ({ host, port, route }): Promise<ClusterNode> => {
      const file = (name: string) => join(dir, `${host}-${name}`);
      const lines = [
        `server_name: "${host}"`,
        `listen: "${host}:${port}"`,
        `cluster { name: c, listen: "${host}:${route}", routes: [${members.map((of) => `"nats://${of.host}:${of.route}"`)}] }`,
        ...(pingInterval === undefined ? [] : [`ping_interval: "${pingInterval}"`]),
        ...(jetstream ? [`jetstream { store_dir: "${file('store')}" }`] : []),
      ];
      if (certificate) {
        const { key, cert } = selfSigned(certificate(host));
        await writeFile(file('key.pem'), key);
        await writeFile(file('cert.pem'), cert);
        authorities.push(cert);
        lines.push(`tls { cert_file: "${file('cert.pem')}", key_file: "${file('key.pem')}" }`);
      }
      await writeFile(file('nats.conf'), lines.join('\n'));
      let server: ManagedProcess | undefined;
      const start = async () => {
        let accepts = false;
        server = new ManagedProcess({
          name: `nats-server ${host}`,
          command: 'nats-server',
          args: ['-c', file('nats.conf')],
          onLine: (line) => {
            accepts ||= line.includes('Server is ready');
          },
        });
        await until(`nats-server ${host} runs`, () => accepts);
      };
      await start();
      return {
        host,
        url: `${certificate ? 'tls' : 'nats'}://${host}:${port}`,
        start,
        kill: async () => {
          server?.signal('SIGCONT');
          server?.signal('SIGKILL');
          await server?.stop();
        },
        pause: () => server?.signal('SIGSTOP'),
        resume: () => server?.signal('SIGCONT'),
      };
    }),
  );
  await writeFile(caFile, authorities.join('\n'));
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(','),
    caFile,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map(({ kill }) => kill()));
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
