import { setTimeout as sleep } from 'node:timers/promises';
import type { Phone } from '#test/support/cases/case-node.ts';
import type { Dialog } from './dialog.ts';
import { PACKET_MS, telephoneEvent, tonePacket } from './rtp.ts';
import { type Direction, mediaPort, sdp } from './sdp.ts';
import { type Header, header, type SipMessage, statusOf } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** The requests that a party sends within its dialog. */
export abstract class DialogPhone implements Phone {
  protected abstract readonly dialog: Dialog;
  protected abstract readonly socket: SipSocket;
  /** The SDP that FreeSWITCH sent last; empty before the first. */
  protected abstract readonly remoteSdp: string;

  get replaces(): string {
    return this.dialog.replaces;
  }

  refer(to: string, onto?: Phone): void {
    const replaces = onto === undefined ? '' : `?Replaces=${encodeURIComponent(onto.replaces)}`;
    this.dialog.send('REFER', [
      ['Refer-To', `<sip:${to}@127.0.0.1${replaces}>`],
      ['Referred-By', '<sip:transferor@127.0.0.1>'],
    ]);
  }

  referTo(value: string): void {
    this.dialog.send('REFER', [['Refer-To', value]]);
  }

  update(headers: readonly Header[] = []): void {
    this.dialog.send('UPDATE', headers);
  }

  reinvite(headers: readonly Header[] = [], direction: Direction = 'sendrecv'): void {
    this.dialog.send('INVITE', headers, sdp(this.socket.port, direction));
  }

  info(headers: readonly Header[] = []): void {
    this.dialog.send('INFO', headers);
  }

  async dtmf(digits: string): Promise<void> {
    const port = mediaPort(this.remoteSdp);
    for (const digit of digits)
      for (const packet of telephoneEvent(digit)) {
        this.socket.sendMedia(packet, port);
        await sleep(PACKET_MS);
      }
  }

  async speak(ms: number): Promise<void> {
    const port = mediaPort(this.remoteSdp);
    for (let sent = 0; sent < ms; sent += PACKET_MS) {
      this.socket.sendMedia(tonePacket(), port);
      await sleep(PACKET_MS);
    }
  }

  bye(): void {
    this.dialog.send('BYE');
  }

  /** A response to a request that was sent within the dialog. @returns whether it ended the dialog. */
  protected onDialogResponse(message: SipMessage): boolean {
    const cseq = header(message, 'CSeq');
    if (cseq.endsWith('INVITE') && statusOf(message) >= 200) this.dialog.acknowledge(cseq);
    return cseq.endsWith('BYE') && statusOf(message) >= 200;
  }
}
