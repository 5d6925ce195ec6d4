import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Pool } from 'undici';

/**
 * The least that a decision through the `socket` application costs: one process without a bus and without events,
 * `node floor.ts ORIGIN PATH`. It posts the call to the endpoint on a kept connection and writes one `xferext`. Over IPC it
 * sends its port.
 */

interface Decision {
  readonly variables: Readonly<Record<string, string>>;
  readonly dial: { readonly gateway: string; readonly number: string };
}

const CONNECTIONS = 200;
const END = '\n\n';
const [origin = '', path = '/'] = process.argv.slice(2);
const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1, allowH2: false });

const FIELDS: Readonly<Record<string, string>> = {
  'Unique-ID': 'uuid',
  'Caller-Caller-ID-Number': 'caller_id_number',
  'Caller-Caller-ID-Name': 'caller_id_name',
  'Caller-Destination-Number': 'destination_number',
};

function requestOf(channelData: string): string {
  const request: Record<string, string> = { action: 'request' };
  for (const line of channelData.split('\n')) {
    const colon = line.indexOf(': ');
    const field = FIELDS[line.slice(0, colon)];
    if (field !== undefined) request[field] = decodeURIComponent(line.slice(colon + 2));
  }
  return JSON.stringify(request);
}

async function decide(channelData: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await pool.request({ path, method: 'POST', headers, body: requestOf(channelData) });
  const { variables, dial } = (await answer.body.json()) as Decision;
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const bridge = `{^^;${settings.join(';')}}sofia/gateway/${dial.gateway}/${dial.number}`;
  return `sendmsg\ncall-command: xferext\napplication: bridge ${bridge}\napplication: hangup\n\nexit\n\n`;
}

function serve(socket: Socket): void {
  let text = '';
  socket.on('error', () => socket.destroy());
  socket.setEncoding('latin1').on('data', (chunk: unknown) => {
    const before = text.indexOf(END);
    text += String(chunk);
    const end = text.indexOf(END);
    if (before >= 0 || end < 0) return;
    decide(text.slice(0, end)).then(
      (commands) => socket.write(commands),
      () => socket.destroy(),
    );
  });
  socket.write('connect\n\n');
}

const server = createServer({ noDelay: true }, serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
process.on('message', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
