import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isLoud, isRtp } from './rtp.ts';
import { formatSip, parseSip, type SipMessage } from './sip-message.ts';

/** A UDP port of loopback on which SIP is spoken. */
export interface SipSocket {
  readonly port: number;
  /** HOST:PORT */
  readonly address: string;
  /** RTP packets with sound that arrived here: it is the media port of its parties too. */
  readonly loudPackets: number;
  send(message: SipMessage, port: number): void;
  /** Sends an RTP packet to a media port. */
  sendMedia(packet: Buffer, port: number): void;
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
  let loudPackets = 0;
  socket.on('message', (data, from) => {
    if (isRtp(data)) {
      if (isLoud(data)) loudPackets++;
      return;
    }
    const text = data.toString('utf8');
    if (text.trim() !== '') onMessage(parseSip(text), from.port);
  });
  const { port } = socket.address();
  return {
    port,
    address: `${host}:${port}`,
    get loudPackets() {
      return loudPackets;
    },
    send: (message, to) => {
      onSent(message);
      socket.send(formatSip(message), to, HOST);
    },
    sendMedia: (packet, to) => socket.send(packet, to, HOST),
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
