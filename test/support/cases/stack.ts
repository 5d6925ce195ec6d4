import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cluster, type LogLine } from '#deploy/local/cluster.ts';
import { Stack } from '#deploy/local/stack.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { owned } from '#test/support/owned.ts';
import type { CaseNode } from './case-node.ts';
import type { Case } from './cases.ts';

/** What an endpoint heard of one call, besides the request. */
export interface Delivered {
  readonly notification: Notification;
  readonly webhookId: string;
}

/** An endpoint that a case instructs, at a URL of its own. */
export interface TestEndpoint {
  readonly url: string;
  /** The argument of the socket application. */
  readonly socket: string;
  readonly requests: EndpointRequest[];
  /** The path and query of every HTTP request that came, in order. */
  readonly paths: string[];
  /** The webhook-id of each of `requests`. */
  readonly requestIds: string[];
  readonly delivered: Delivered[];
  /** The traceparent of every HTTP request that came, in order. */
  readonly traceparents: string[];
  /** Number of requests whose connection was closed before their answer. */
  abandoned: number;
  answer: Case['answer'];
}

/** The services of a cluster around one switch, and an endpoint. */
export interface TestCluster extends TestEndpoint {
  readonly log: LogLine[];
  /** A further endpoint. By default its path is one that no other endpoint has. */
  endpoint(path?: string): TestEndpoint;
  stop(): Promise<void>;
}

/** Starts the real services as processes of their own, with NATS and Redis. */
export async function startTestCluster(
  one: Pick<CaseNode, 'eventSocket'>,
  env?: (service: string) => Readonly<Record<string, string>>,
): Promise<TestCluster> {
  const running = new Stack();
  const endpoints = new Map<string, TestEndpoint>();
  const server = createServer(
    owned(async (request: IncomingMessage, response: ServerResponse) => {
      const endpoint = endpoints.get(request.url?.split('?', 1)[0] ?? '');
      if (endpoint === undefined) response.writeHead(404).end();
      else await serve(endpoint, request, response);
    }),
  );
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

  const endpoint = (
    path = endpoints.size === 0 ? '/binding' : `/binding/${endpoints.size}`,
  ): TestEndpoint => {
    const created: TestEndpoint = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}?shop=%E5%BC%A0&x=a%20b`,
      socket: `127.0.0.1:${services.socketPort('node')}`,
      requests: [],
      paths: [],
      requestIds: [],
      delivered: [],
      traceparents: [],
      abandoned: 0,
      answer: () => 'silent',
    };
    endpoints.set(path, created);
    return created;
  };
  return Object.assign(endpoint(), { log, endpoint, stop: () => running.unwind() });
}

async function serve(
  endpoint: TestEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  endpoint.paths.push(request.url ?? '');
  endpoint.traceparents.push(String(request.headers['traceparent']));
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as EndpointRequest | Notification;
  const webhookId = String(request.headers['webhook-id']);
  if (body.action !== 'request') {
    endpoint.delivered.push({ notification: body, webhookId });
    response.end();
    return;
  }
  endpoint.requests.push(body);
  endpoint.requestIds.push(webhookId);
  const answer = endpoint.answer(body);
  if (answer === 'silent') {
    response.on('close', () => endpoint.abandoned++);
    return;
  }
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body);
}
