import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RefusedConnections } from '#libs/telemetry/refused-connections.ts';
import type { Lifecycle } from './lifecycle.ts';

/** A probe takes milliseconds. At the limit the oldest connection, which cannot be a probe, is closed. */
const MAX_CONNECTIONS = 200;
const REQUEST_TIMEOUT_MS = 5_000;
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000,
};

function limitConnections(server: Server, refused: RefusedConnections): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    const [oldest] = open;
    if (oldest && open.size >= MAX_CONNECTIONS) {
      refused.count(oldest.remoteAddress ?? '', 'too many connections');
      open.delete(oldest);
      oldest.destroy();
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}

/**
 * Serves /healthz (200 while the process runs), /readyz (200 or 503, with every check) and /metrics (Prometheus text
 * format) until the service stops. Resolves with the port.
 */
export async function serveHealth(
  lifecycle: Lifecycle,
  host: string,
  port: number,
  scrape?: () => Promise<string>,
): Promise<number> {
  const server = createServer(LIMITS, (request, response) => {
    const health = lifecycle.health();
    const answer = (status: number, body: unknown) => {
      // Request bodies are not read, so the connection cannot be reused.
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.url === '/healthz') answer(200, { alive: true });
    else if (request.url === '/readyz') answer(health.ready ? 200 : 503, health);
    else if (request.url === '/metrics' && scrape)
      scrape().then(
        (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
        (error: Error) => answer(500, { error: error.message }),
      );
    else answer(404, { error: 'only /healthz, /readyz and /metrics are served here' });
  });
  limitConnections(server, new RefusedConnections('health', lifecycle.log));
  server.listen(port, host);
  await once(server, 'listening');
  lifecycle.onStop('health server', () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
