import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { EventSocket } from '#libs/esl/event-socket.ts';
import { OutboundCall } from '#libs/esl/outbound-call.ts';

const OK = Buffer.from('Content-Type: command/reply\nReply-Text: +OK\n\n');

/** A socket that records what is written to it. */
class RecordingSocket extends EventEmitter {
  readonly writable = true;
  readonly chunks: Buffer[] = [];
  write(data: string): void {
    this.chunks.push(Buffer.from(data));
  }
  cork(): void {}
  uncork(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  destroy(): void {}
}

/** The bytes that the agent's code writes for one call while `work` runs. */
export function bytesOf(work: (call: OutboundCall) => Promise<unknown>): { bytes: Buffer; refused: unknown } {
  const socket = new RecordingSocket();
  const accepted = EventSocket.accept(socket as unknown as Socket, { onClose: () => {} });
  const call = new OutboundCall(
    { headers: { 'Unique-ID': 'b1cd59aa' }, raw: {} },
    new AbortController().signal,
    accepted.socket,
  );
  socket.chunks.length = 0;
  const outcome: { refused: unknown } = { refused: undefined };
  const sent = work(call);
  sent.catch((error: unknown) => {
    outcome.refused = error;
  });
  const bytes = Buffer.concat(socket.chunks);
  for (let commands = 0; commands < 4; commands++) socket.emit('data', OK);
  return { bytes, refused: outcome.refused };
}
