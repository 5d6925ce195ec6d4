import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Worker } from 'node:worker_threads';

/** One request as the endpoint read it. */
export interface Received {
  readonly socket: Socket;
  /** The how-manieth on its connection, from 1. */
  readonly nth: number;
  readonly head: string;
  readonly body: string;
}

/** An endpoint that a test plays by hand, byte for byte. */
export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly connections: Socket[];
  readonly received: Received[];
  /** Emits `request` with a {Received} and `closed` when one of its connections has ended. */
  readonly events: EventEmitter;
}

export type Play = (request: Received) => void;

export const http = (status: string, body: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n');

const HEAD_END = '\r\n\r\n';

function readRequests(socket: Socket, play: (request: Received) => void): void {
  let text = '';
  let nth = 0;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf(HEAD_END); end !== -1; end = text.indexOf(HEAD_END)) {
      const head = text.slice(0, end);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      const whole = end + HEAD_END.length + length;
      if (text.length < whole) return;
      const body = text.slice(end + HEAD_END.length, whole);
      text = text.slice(whole);
      nth++;
      play({ socket, nth, head, body });
    }
  });
}

/** Listens on 127.0.0.1, on a free port unless one is given. Without `play` requests are read and never answered. */
export async function startEndpoint(
  play: Play = () => {},
  tls?: { key: string; cert: string },
  at = 0,
): Promise<Endpoint> {
  const connections: Socket[] = [];
  const received: Received[] = [];
  const events = new EventEmitter();
  const onConnection = (socket: Socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    socket.on('close', () => events.emit('closed'));
    readRequests(socket, (request) => {
      received.push(request);
      events.emit('request', request);
      play(request);
    });
  };
  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  server.on('tlsClientError', () => {});
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/calls`,
    connections,
    received,
    events,
    [Symbol.asyncDispose]: async () => {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A self-signed certificate for `name`, made now. */
export function selfSigned(name: string): { key: string; cert: string } {
  const dir = mkdtempSync(join(tmpdir(), 'dialhook-cert-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${name}`];
  try {
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -keyout ${key} -out ${cert}`
        .split(' ')
        .concat(subject),
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const NEVER_ACCEPTS = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** A port on which SYN gets no answer: its listener accepts nothing and its backlog is full. */
export async function startSilentPort(): Promise<AsyncDisposable & { readonly url: string }> {
  const worker = new Worker(NEVER_ACCEPTS, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: 8 }, () => dial(port, '127.0.0.1').on('error', () => {}));
  await Promise.race(fillers.map((socket) => once(socket, 'connect')));
  return {
    url: `http://127.0.0.1:${port}/calls`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of fillers) socket.destroy();
      await worker.terminate();
    },
  };
}
