import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A called party that speaks SIP over TCP or TLS. */
export interface StreamParty {
  readonly port: number;
  /** The text of the first INVITE. */
  readonly invite: Promise<string>;
  /** The methods of the requests so far, in order. */
  readonly methods: readonly string[];
  close(): void;
}

export interface StreamPartyOptions {
  /** PEM texts; without them it listens on TCP. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The SDP of its 200 for an INVITE; without it the INVITE gets 486. */
  readonly answer?: (invite: string) => string;
}

const SUITE = 'AES_CM_128_HMAC_SHA1_80';

const answerWith = (profile: string, ...attributes: string[]): string =>
  [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
    `m=audio 9 ${profile} 0`,
    ...attributes,
    'a=rtpmap:0 PCMU/8000',
    '',
  ].join('\r\n');

/** The SDP that accepts the SRTP (SDES) of an INVITE, with a key of its own. */
export function srtpAnswer(invite: string): string {
  const [, tag = ''] = new RegExp(`^a=crypto:(\\d+) ${SUITE} inline:`, 'm').exec(invite) ?? [];
  return answerWith('RTP/SAVP', `a=crypto:${tag} ${SUITE} inline:${randomBytes(30).toString('base64')}`);
}

/** An SDP without SRTP. */
export const plainAnswer = (): string => answerWith('RTP/AVP');

/** The first complete message in `text`, and the rest. */
function firstMessage(text: string): readonly [message: string, rest: string] | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const length = Number(/^Content-Length: *(\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
  const whole = end + 4 + length;
  return text.length < whole ? undefined : [text.slice(0, whole), text.slice(whole)];
}

function respond(request: string, status: string, contact: string, body = ''): string {
  const lines = request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n');
  const echoed = lines.filter((line) => /^(?:Via|From|Call-ID|CSeq):/i.test(line));
  const to = lines.find((line) => /^To:/i.test(line)) ?? '';
  return [
    `SIP/2.0 ${status}`,
    ...echoed,
    to.includes(';tag=') ? to : `${to};tag=stream`,
    `Contact: <${contact}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

export async function startStreamParty({ tls, answer }: StreamPartyOptions = {}): Promise<StreamParty> {
  const { promise: invite, resolve } = Promise.withResolvers<string>();
  const sockets = new Set<Socket>();
  const methods: string[] = [];
  const onRequest = (socket: Socket, request: string) => {
    const method = /^([A-Z]+) sips?:/.exec(request)?.[1];
    if (method === undefined) return;
    methods.push(method);
    const contact = `sip:called@127.0.0.1:${port};transport=${tls ? 'tls' : 'tcp'}`;
    if (method === 'INVITE') {
      resolve(request);
      socket.write(
        answer === undefined
          ? respond(request, '486 Busy Here', contact)
          : respond(request, '200 OK', contact, answer(request)),
      );
    } else if (method !== 'ACK') socket.write(respond(request, '200 OK', contact));
  };
  const onConnection = (socket: Socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data.toString('latin1');
      for (let found = firstMessage(text); found; found = firstMessage(text)) {
        text = found[1];
        onRequest(socket, found[0].trimStart());
      }
    });
  };
  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    invite,
    methods,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
