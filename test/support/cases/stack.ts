import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cluster, type LogLine } from '#deploy/local/cluster.ts';
import { Stack } from '#deploy/local/stack.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { CaseNode } from './case-node.ts';
import type { Case } from './cases.ts';

/** What an endpoint heard of one call, besides the request. */
export interface Delivered {
  readonly notification: Notification;
  readonly webhookId: string;
}

/** The services of a cluster around one switch, and an endpoint that each case instructs. */
export interface TestCluster {
  readonly url: string;
  /** The argument of the socket application. */
  readonly socket: string;
  readonly requests: EndpointRequest[];
  /** The webhook-id of each of `requests`. */
  readonly requestIds: string[];
  readonly delivered: Delivered[];
  readonly log: LogLine[];
  /** The traceparent of every HTTP request that came, in order. */
  readonly traceparents: string[];
  /** Number of requests whose connection was closed before their answer. */
  abandoned: number;
  answer: Case['answer'];
  stop(): Promise<void>;
}

/** Starts the real services as processes of their own, with NATS and Redis. */
export async function startTestCluster(
  one: Pick<CaseNode, 'eventSocket'>,
  env?: (service: string) => Readonly<Record<string, string>>,
): Promise<TestCluster> {
  const running = new Stack();
  const waiting = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    cluster.traceparents.push(String(request.headers['traceparent']));
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as EndpointRequest | Notification;
    if (body.action !== 'request') {
      cluster.delivered.push({ notification: body, webhookId: String(request.headers['webhook-id']) });
      response.end();
      return;
    }
    cluster.requests.push(body);
    cluster.requestIds.push(String(request.headers['webhook-id']));
    const answer = cluster.answer(body);
    if (answer !== 'silent') {
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
      response.end(answer.body);
      return;
    }
    waiting.add(response);
    response.on('close', () => {
      waiting.delete(response);
      cluster.abandoned++;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  running.add(() => {
    server.closeAllConnections();
    server.close();
  });

  const log: LogLine[] = [];
  const services = await Cluster.start({
    nodes: [{ name: 'node', ...one.eventSocket, listen: { host: '127.0.0.1', port: 0 } }],
    defaultEndpoint: undefined,
    env,
    onLog: (line) => log.push(line),
    onLost: (name) => log.push({ service: name, level: 'fatal', message: 'ended by itself' }),
  }).catch(async (error: Error) => {
    await running.unwind();
    throw new Error(`${error.message}\n${log.map((line) => JSON.stringify(line)).join('\n')}`);
  });
  running.add(() => services.stop());

  const cluster: TestCluster = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/binding?shop=%E5%BC%A0&x=a%20b`,
    socket: `127.0.0.1:${services.socketPort('node')}`,
    requests: [],
    requestIds: [],
    delivered: [],
    log,
    traceparents: [],
    abandoned: 0,
    answer: () => 'silent',
    stop: () => running.unwind(),
  };
  return cluster;
}
