import { createServer, type IncomingMessage } from 'node:http';
import { Decision } from '#libs/contract/decision.ts';
import { EndpointRequest } from '#libs/contract/endpoint.ts';
import { SipName } from '#libs/contract/text.ts';

/**
 * A minimal endpoint: it routes every call to the user with the dialled number and logs requests and notifications as
 * JSON lines. Listens on all addresses, port PORT (default 8090).
 */
const MAX_BODY_BYTES = 64 * 1024;

async function readJson(request: IncomingMessage): Promise<unknown> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) throw new Error('the body is too large');
  }
  return JSON.parse(body);
}

const decide = ({ destination_number: number }: EndpointRequest): Decision =>
  Decision.parse({
    dial: SipName.safeParse(number).success
      ? { type: 'user', user: number, number }
      : { type: 'hangup', cause: 1 },
  });

const server = createServer((message, response) => {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const handle = async () => {
    if (message.method !== 'POST') return answer(405, { error: 'only POST is supported' });
    const received = await readJson(message);
    console.log(JSON.stringify(received));
    const request = EndpointRequest.safeParse(received);
    answer(200, request.success ? decide(request.data) : {});
  };
  handle().catch((error: Error) => answer(400, { error: error.message }));
});

server.listen(Number(process.env['PORT'] ?? 8090), () =>
  console.log(JSON.stringify({ listening: server.address() })),
);
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
