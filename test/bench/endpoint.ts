import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * The endpoint of the benchmarks, in its own process: `node endpoint.ts [KEY CERT]`. It answers a request after the number
 * of milliseconds in its path (`/5`), and a notification at once. It is controlled over IPC.
 */

/** `port` returns the port, `count` the number of requests and notifications so far, `until` waits for that number. */
export type EndpointCommand = { readonly port: true } | { readonly until: number } | { readonly count: true };

const DECISION = JSON.stringify({
  variables: { origination_caller_id_number: '95588', absolute_codec_string: 'PCMA,PCMU' },
  dial: { type: 'gateway', gateway: 'gw', number: '123456' },
  // The called party of the benches recognizes a call by a header of its caller.
  pass_headers: true,
});
/** The same decision for FreeSWITCH's modules. mod_httapi and mod_xml_curl need XML. */
const DIALSTRING =
  '{^^;origination_caller_id_number=95588;absolute_codec_string=PCMA,PCMU}sofia/gateway/gw/123456';
const HTTAPI = `<document type="xml/freeswitch-httapi"><work><execute application="bridge" data="${DIALSTRING}"/></work></document>`;
const DIALPLAN = `<document type="freeswitch/xml"><section name="dialplan"><context name="default"><extension name="e"><condition><action application="bridge" data="${DIALSTRING}"/></condition></extension></context></section></document>`;

let served = 0;
let waiting: { until: number; resolve: () => void } | undefined;

function count(): void {
  served++;
  if (waiting === undefined || served < waiting.until) return;
  waiting.resolve();
  waiting = undefined;
}

function decide(path: string, response: ServerResponse): void {
  const [, kind = ''] = path.split(/[/?]/);
  const answer = () => {
    if (kind === 'httapi') response.writeHead(200, { 'content-type': 'text/xml' }).end(HTTAPI);
    else if (kind === 'dialplan') response.writeHead(200, { 'content-type': 'text/xml' }).end(DIALPLAN);
    else if (kind === 'plain') response.end(DIALSTRING);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(DECISION);
    count();
  };
  const ms = Number(kind) || 0;
  if (ms > 0) setTimeout(answer, ms);
  else answer();
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '/';
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    const action = text.startsWith('{') ? (JSON.parse(text) as { action: string }).action : 'request';
    if (action === 'request') return decide(path, response);
    response.end('{}');
    count();
  });
}

const [key, cert] = process.argv.slice(2);
const server =
  key === undefined || cert === undefined
    ? createServer(serve)
    : createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, serve);
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');

process.on('message', (command: EndpointCommand) => {
  if ('port' in command) process.send?.((server.address() as AddressInfo).port);
  else if ('count' in command) process.send?.(served);
  else {
    waiting = { until: command.until, resolve: () => process.send?.(served) };
    served--;
    count();
  }
});
process.once('disconnect', () => process.exit(0));
