import { callIdOf } from '#libs/contract/call-id.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, variable, variableList } from './channel-data.ts';

/** A party of the channel's call transferred the channel (REFER), an operator or the dialplan did, or a call was picked up. */
export type TransferEntry =
  /** To a number. `byParty`: by REFER. */
  | {
      readonly kind: 'blind';
      readonly number: string;
      readonly byParty: boolean;
      /** Epoch seconds. */
      readonly at: number;
    }
  /**
   * To a party that the transferor had called (REFER with Replaces). Number and call are known if that party had not
   * answered.
   */
  | { readonly kind: 'attended'; readonly number: string; readonly call: string }
  /** The channel was connected with this leg, by an attended transfer or by intercept. */
  | { readonly kind: 'bridge'; readonly leg: string };

/** `sip:NUMBER@HOST` or `tel:NUMBER` in Refer-To. The parameters of a ported number belong to it. */
const REFER_TO = /sips?:([^@>?]*)@|tel:([^>;?]*)/;

/** A REFER with Replaces of a call that still rings parks the channel until that call is answered (sofia.c). */
const PARKED = /park\/[^/]*\/inline$/;

/** Upper bound of a time, epoch seconds. */
const MAX_SECONDS = 2 ** 32;

/** `EXTENSION/CONTEXT/DIALPLAN`. */
const EXTENSION = /^(.*)\/[^/]*\/[^/]*$/;

const attended = (data: ChannelData): TransferEntry => ({
  kind: 'attended',
  number: variable(data, 'att_xfer_destination_number'),
  call: callIdOf(variable(data, 'att_xfer_kill_uuid')),
});

/** `TIME:ID:bl_xfer:EXTENSION/CONTEXT/DIALPLAN`, `TIME:ID:att_xfer:...` or `TIME:ID:uuid_br:LEG`. */
function transferEntry(text: string, data: ChannelData): TransferEntry[] {
  const [time, , kind, ...rest] = text.split(':');
  const detail = rest.join(':');
  if (kind === 'att_xfer') return [{ kind: 'attended', number: '', call: '' }];
  if (kind === 'uuid_br' && detail !== '') return [{ kind: 'bridge', leg: callIdOf(detail) }];
  if (kind !== 'bl_xfer') return [];
  if (PARKED.test(detail) && variable(data, 'att_xfer_kill_uuid') !== '') return [attended(data)];
  const number = EXTENSION.exec(detail)?.[1] ?? detail;
  const [, user, tel] = REFER_TO.exec(variable(data, 'sip_refer_to')) ?? [];
  const byParty = (user ?? tel) === number;
  return [{ kind: 'blind', number, byParty, at: wholeNumber(time ?? '', MAX_SECONDS) ?? 0 }];
}

/** The transfers of a channel, the last one last. */
export const transferHistory = (data: ChannelData): TransferEntry[] =>
  variableList(data, 'transfer_history').flatMap((text) => transferEntry(text, data));

/** Whether the last transfer of a channel was requested by the party that it was connected with (REFER). */
export function isByParty(transfers: readonly TransferEntry[]): boolean {
  const last = transfers.at(-1);
  return last?.kind === 'attended' || (last?.kind === 'blind' && last.byParty);
}
