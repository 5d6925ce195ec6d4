import { MAX_ARGUMENTS_BYTES, type ParsedArguments, parseArguments } from '#libs/contract/arguments.ts';
import { MAX_VARIABLE_BYTES, type OutboundCall } from '#libs/esl/outbound-call.ts';
import { decodeText } from '#libs/esl/text.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { variable } from './call/channel-data.ts';
import { readExpression } from './read-expression.ts';

const PIECE = 'dialhook_piece';
const PIECE_BYTES = 400;

/** FreeSWITCH expands these while it copies a piece of the variable. */
const EXPANDABLE = /\$\$?\{|\\/;

async function readInPieces(call: OutboundCall): Promise<Buffer> {
  const pieces: Buffer[] = [];
  // One piece more than allowed: parseArguments refuses the value.
  for (let offset = 0; offset <= MAX_ARGUMENTS_BYTES; offset += PIECE_BYTES) {
    const piece = await readExpression(call, PIECE, `\${cti_bridge:${offset}:${PIECE_BYTES}}`);
    pieces.push(piece);
    if (piece.length < PIECE_BYTES) break;
  }
  await call.execute('unset', PIECE);
  return Buffer.concat(pieces);
}

/** The value of `cti_bridge`. */
export interface CtiBridge {
  readonly text: string;
  /** Whether it is what the dialplan set, to the byte. */
  readonly isExact: boolean;
}

/**
 * Reads `cti_bridge`; the text is `''` when it is not set. The channel data of `connect` is not exact: FreeSWITCH encodes
 * a space as %20 there and does not encode a %20 that the URL already holds. A value of more than 511 bytes with `${`
 * or a backslash can only be taken from there.
 */
export async function readCtiBridge(call: OutboundCall): Promise<CtiBridge> {
  const inexact = variable(call.data, 'cti_bridge');
  if (inexact === '') return { text: '', isExact: true };
  const exact = await call.getVariable('cti_bridge');
  if (exact.length < MAX_VARIABLE_BYTES) return { text: decodeText(exact), isExact: true };
  if (EXPANDABLE.test(inexact)) return { text: inexact, isExact: false };
  return { text: decodeText(await readInPieces(call)), isExact: true };
}

/** Every event of a call contains its `cti_bridge`, and parsing its URLs takes microseconds. */
const parsed = new LruMap<string, ParsedArguments>(1_000);

/** The arguments in `cti_bridge`, or those of `defaultUrl` (DEFAULT_ENDPOINT_URL) when it is empty. */
export function parseCtiBridge(ctiBridge: string, defaultUrl: string | undefined): ParsedArguments {
  const text = ctiBridge === '' ? (defaultUrl ?? '') : ctiBridge;
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const result = parseArguments(text);
  parsed.set(text, result);
  return result;
}
