import { type ParsedArguments, parseArguments } from '#libs/contract/arguments.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';
import { variable } from './call/channel-data.ts';

/** FreeSWITCH cuts the reply to getvar at 511 bytes. */
const MAX_REPLY_BYTES = 511;
const PIECE = 'dialhook_piece';
const PIECE_BYTES = 400;
/** Upper bound, so that a hostile value cannot make the agent read forever. */
const MAX_BYTES = 16 * 1024;

/** FreeSWITCH expands these while it copies a piece of the variable. */
const EXPANDABLE = /\$\$?\{|\\/;

async function readInPieces(call: OutboundCall): Promise<string> {
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
 * The value of `cti_bridge` exactly as the dialplan set it; `''` when it is not set. The channel data of `connect` is
 * not exact: FreeSWITCH encodes a space as %20 there and does not encode a %20 that the URL already holds.
 */
export async function readCtiBridge(call: OutboundCall): Promise<string> {
  const inexact = variable(call.data, 'cti_bridge');
  if (inexact === '') return '';
  const exact = await call.getVariable('cti_bridge');
  if (Buffer.byteLength(exact) < MAX_REPLY_BYTES) return exact;
  return EXPANDABLE.test(inexact) ? inexact : readInPieces(call);
}

/** The arguments in `cti_bridge`, or those of `defaultUrl` (DEFAULT_ENDPOINT_URL) when it is empty. */
export const parseCtiBridge = (ctiBridge: string, defaultUrl: string | undefined): ParsedArguments =>
  parseArguments(ctiBridge === '' ? (defaultUrl ?? '') : ctiBridge);
