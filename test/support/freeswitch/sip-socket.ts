import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { formatSip, parseSip, type SipMessage } from './sip-message.ts';

/** A UDP port of loopback on which SIP is spoken. */
export interface SipSocket {
  readonly port: number;
  /** HOST:PORT */
  readonly address: string;
  send(message: SipMessage, port: number): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const BUFFER = 4 * 1024 * 1024;

export async function openSipSocket(
  onMessage: (message: SipMessage, fromPort: number) => void,
  onSent: (message: SipMessage) => void = () => {},
  host = HOST,
): Promise<SipSocket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER }).bind(0, host);
  await once(socket, 'listening');
  socket.on('message', (data, from) => {
    const text = data.toString('utf8');
    if (text.trim() !== '') onMessage(parseSip(text), from.port);
  });
  const { port } = socket.address();
  return {
    port,
    address: `${host}:${port}`,
    send: (message, to) => {
      onSent(message);
      socket.send(formatSip(message), to, HOST);
    },
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
