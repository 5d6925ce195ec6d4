import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lifecycle } from './lifecycle.ts';

/**
 * Serves /healthz (the process answers), /readyz (200 or 503, with every check) and /metrics (for Prometheus) and ends
 * with the service.
 */
export async function serveHealth(
  lifecycle: Lifecycle,
  host: string,
  port: number,
  scrape?: () => Promise<string>,
): Promise<number> {
  const server = createServer((request, response) => {
    const health = lifecycle.health();
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
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
  server.requestTimeout = 5000;
  server.listen(port, host);
  await once(server, 'listening');
  lifecycle.onStop('health server', () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
