import type { OutboundCall } from '#libs/esl/outbound.ts';
import { variable } from './request.ts';

/** FreeSWITCH cuts the reply to getvar here, in bytes. */
const MAX_REPLY_BYTES = 511;
const PIECE = 'dialhook_piece';
const PIECE_BYTES = 400;
/** Nobody's URLs are longer; who has more to say may not stop. */
const MAX_BYTES = 16 * 1024;

/** What FreeSWITCH would expand while it cuts a piece out of a variable. */
const EXPANDABLE = /\$\$?\{|\\/;

async function inPieces(call: OutboundCall): Promise<string> {
  let text = '';
  for (let offset = 0; ; offset += PIECE_BYTES) {
    await call.execute('export', `${PIECE}=\${cti_bridge:${offset}:${PIECE_BYTES}}`);
    const piece = await call.getVariable(PIECE);
    text += piece;
    if (Buffer.byteLength(piece) < PIECE_BYTES) break;
    if (offset > MAX_BYTES) throw new RangeError(`cti_bridge is longer than ${MAX_BYTES} bytes`);
  }
  await call.execute('unset', PIECE);
  return text;
}

/**
 * The arguments as the dialplan wrote them. The channel data of `connect` cannot tell: FreeSWITCH encodes a space as
 * %20 there and leaves a %20 that the URL holds as it is.
 */
export async function ctiBridge(call: OutboundCall): Promise<string> {
  const lossy = variable(call.data, 'cti_bridge');
  if (lossy === '') return '';
  const exact = await call.getVariable('cti_bridge');
  if (Buffer.byteLength(exact) < MAX_REPLY_BYTES) return exact;
  return EXPANDABLE.test(lossy) ? lossy : inPieces(call);
}
