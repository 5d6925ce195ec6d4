import type { Phone } from '#test/support/cases/case-node.ts';
import type { Dialog } from './dialog.ts';
import { type Direction, sdp } from './sdp.ts';
import { type Header, header, type SipMessage, statusOf } from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** The requests that a party sends within its dialog. */
export abstract class DialogPhone implements Phone {
  protected abstract readonly dialog: Dialog;
  protected abstract readonly socket: SipSocket;

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
