import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { placeCall } from '#libs/simulator/dialplan-call.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';

/**
 * Runs inside the tree on the installed libraries: an endpoint and a simulated FreeSWITCH. Places calls through the
 * installed agent until one has been decided, and prints what the endpoint has received of it.
 */
const ENDPOINT_PORT = 8090;
const RETRY_MS = 500;

const actions = new Map<string, string[]>();
const ended = Promise.withResolvers<string>();
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const { action, uuid } = JSON.parse(body) as { action: string; uuid: string };
  actions.set(uuid, [...(actions.get(uuid) ?? []), action]);
  response.end('{"dial":{"type":"gateway","gateway":"gw","number":"100"}}');
  if (action === 'hangup' && actions.get(uuid)?.includes('answer')) ended.resolve(uuid);
}
const endpoint = createServer((request, response) => {
  serve(request, response).catch(console.error);
});
endpoint.listen(ENDPOINT_PORT, '127.0.0.1');
await once(endpoint, 'listening');

const freeswitch = await SimulatedFreeSwitch.start({ name: 'node', port: 8021, password: 'changed' });
freeswitch.gateways.add('gw');

async function place(): Promise<void> {
  await placeCall(freeswitch, {
    caller: { number: '100', name: 'test' },
    destination: '100',
    endpoint: {
      url: `http://127.0.0.1:${ENDPOINT_PORT}/`,
      connectTimeoutMs: 3_000,
      responseTimeoutMs: 3_000,
      notify: true,
    },
    socket: '127.0.0.1:8084',
  }).ended;
}

// Calls before the agent's login to the event socket have no notifications of their legs.
const timer = setInterval(() => {
  place().catch(console.error);
}, RETRY_MS);
const uuid = await ended.promise;
clearInterval(timer);
console.log(actions.get(uuid)?.join(' '));
